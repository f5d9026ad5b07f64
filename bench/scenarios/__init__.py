"""Files for locust. Only its process may import them: locust replaces the standard library's sockets."""

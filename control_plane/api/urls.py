"""Below /api/v1/: the operations; anything else there is a 404 problem."""

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from control_plane.api import problem
from control_plane.api.v1 import api


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """An address that does not exist, whatever the method."""
    return problem.for_status(404).response(request)


urlpatterns = [path("", api.urls), re_path(r"", unknown)]

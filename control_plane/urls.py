"""The console's URL table: health, the API, signing in, and the console's own pages."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from control_plane.console.views import web_pass
from control_plane.console.views.pass_status import pass_status


def healthz(request: HttpRequest) -> HttpResponse:
    """200 while PostgreSQL answers this process; an exception is a 500."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("-/healthz", healthz, name="healthz"),
    path("api/v1/", include("control_plane.api.urls")),
    path("gate/", include("control_plane.console.gate_urls")),
    path("t/<str:text>", pass_status, name="pass_status"),
    path("p/sw.js", web_pass.service_worker, name="web_pass_worker"),
    path("p/<str:access_code>", web_pass.page, name="web_pass"),
    path("p/<str:access_code>/manifest.json", web_pass.manifest, name="web_pass_manifest"),
    path("p/<str:access_code>/pass.pkpass", web_pass.pkpass, name="web_pass_pkpass"),
    path("p/<str:access_code>/google", web_pass.google, name="web_pass_google"),
    path("", include("control_plane.console.urls")),
    # After the console's addresses, which bring the converters.
    path("issue/", include("control_plane.console.seat_urls")),
    path("", include("allauth.urls")),
]

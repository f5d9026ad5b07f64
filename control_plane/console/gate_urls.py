"""Addresses of the gate's own app: a steward's phone, known by its device's key and by no cookie."""

from django.urls import path

from control_plane.console.views import gate

app_name = "gate"
urlpatterns = [
    path("", gate.shell, name="shell"),
    path("sw.js", gate.service_worker, name="service_worker"),
    path("decoder.js", gate.decoder, name="decoder"),
    path("live", gate.live, name="live"),
]

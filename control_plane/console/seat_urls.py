"""Addresses of an issuer's own pages: a person's phone, known by its own cookie and by no session."""

from django.urls import path

from control_plane.console.views import seat, seat_pass, seat_sign_in

app_name = "seat"
urlpatterns = [
    path("", seat.home, name="home"),
    path("new/", seat.new, name="new"),
    path("made/<row:first>-<row:last>/", seat.made, name="made"),
    path("print/<row:first>-<row:last>.pdf", seat.sheet, name="print"),
    path("passes/<row:pass_id>/", seat_pass.show, name="pass"),
    path("passes/<row:pass_id>/show/", seat_pass.full, name="full"),
    path("passes/<row:pass_id>/cancel/", seat_pass.cancel, name="cancel"),
    path("logo.png", seat.logo, name="logo"),
    path("in/<str:code>/", seat_sign_in.sign_in, name="sign_in"),
    path("out/", seat_sign_in.sign_out, name="sign_out"),
]

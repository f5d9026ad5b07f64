from django.apps import AppConfig


class PassesConfig(AppConfig):
    name = "control_plane.passes"
    label = "passes"

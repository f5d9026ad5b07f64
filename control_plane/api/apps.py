from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The HTTP API at /api/v1/."""

    name = "control_plane.api"
    label = "api"
    default_auto_field = "django.db.models.BigAutoField"

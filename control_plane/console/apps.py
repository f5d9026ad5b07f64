"""The console: the pages people use. Rows and rules are in accounts and campaigns."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "control_plane.console"
    label = "console"

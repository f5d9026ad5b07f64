"""The console as an ASGI application: forwarded headers first, then a gate's short way, then Django with
bodies that end."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "control_plane.settings")
django_application = get_asgi_application()

from django.conf import settings  # noqa: E402

from control_plane.api.gate_path import GatePath  # noqa: E402
from control_plane.body_limit import BodyLimit  # noqa: E402
from control_plane.proxies import ForwardedHeaders  # noqa: E402

application = ForwardedHeaders(GatePath(BodyLimit(django_application)), settings.CONFIG.trusted_proxies)

"""Short links as people read, copy and type them."""

from django.conf import settings

from control_plane.campaigns import qr


def short_base() -> str:
    """https://go.example.com, without a last slash."""
    return settings.CONFIG.short_url.geturl()


def short_url(code: str) -> str:
    return qr.short_url(short_base(), code)

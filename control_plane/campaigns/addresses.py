"""Where a link answers: its short URL on the default domain, or on a workspace's own."""

from django.conf import settings

from control_plane.campaigns import qr
from control_plane.campaigns.models import Link


def short_base(host: str = "") -> str:
    """Scheme, host and port in front of a code; '' is the default domain. The same edge answers for all."""
    base = settings.CONFIG.short_url
    if not host:
        return str(base.geturl())
    return f"{base.scheme}://{host}" + (f":{base.port}" if base.port else "")


def link_base(link: Link) -> str:
    """`short_base` of the link's domain, which has to be loaded."""
    return short_base(link.host)


def link_url(link: Link) -> str:
    """The short URL, as people read and type it."""
    return qr.short_url(link_base(link), link.code)


def gs1_url(link: Link) -> str:
    """The GS1 Digital Link, '' where it has none."""
    return f"{link_base(link)}/{link.gs1}" if link.gs1 else ""

"""What goes in and comes out as JSON for a domain: see schemas.py."""

from datetime import datetime
from typing import Final

from ninja import Schema
from pydantic import ConfigDict, Field, StrictStr

from control_plane.api.schemas import RowId, Strict
from control_plane.api.versions import VERSION

_ROOT: Final = "Where the bare domain leads; empty: a page of ours."
_NOT_FOUND: Final = "Where an unknown code leads; empty: a page of ours."
_ROBOTS: Final = "robots.txt, at most 8 kB; empty: robots may not index anything."
_FAVICON: Final = (
    "An image (PNG, JPEG, GIF, WebP or BMP) as base64, made a PNG of at most 64 by 64. Empty: none."
)
_APPLE: Final = "Apps that open links of this domain on iOS: `<team>.<bundle>`."
_ANDROID: Final = "Apps that open links of this domain on Android."


class AndroidApp(Strict):
    """An Android app and the certificate it is signed with."""

    package: StrictStr = Field(description="Its name in the store.", examples=["com.example.app"])
    sha256: StrictStr = Field(
        description="SHA-256 fingerprint of the certificate, with or without colons.",
        examples=[":".join(["14", "6D", "E9", "83"] * 8)],
    )


class DomainIn(Strict):
    """A domain to connect."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"host": "go.example.org", "root_redirect": "https://example.org/"},
                {
                    "host": "qr.example.org",
                    "not_found_redirect": "https://example.org/lost",
                    "robots_txt": "User-agent: *\nDisallow: /\n",
                    "apple_apps": ["9JA89QQLNQ.org.example.app"],
                },
            ]
        },
    )

    host: StrictStr = Field(description="The host name alone.", examples=["go.example.org"])
    root_redirect: StrictStr = Field("", description=_ROOT)
    not_found_redirect: StrictStr = Field("", description=_NOT_FOUND)
    robots_txt: StrictStr = Field("", description=_ROBOTS)
    favicon: StrictStr = Field("", description=_FAVICON)
    apple_apps: list[StrictStr] = Field([], description=_APPLE, examples=[["9JA89QQLNQ.com.example.app"]])
    android_apps: list[AndroidApp] = Field([], description=_ANDROID)


class DomainPatch(Strict):
    """What to change; fields left out stay. The host cannot change: it is on paper."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"root_redirect": "https://example.org/welcome"}]}
    )

    root_redirect: StrictStr = Field("", description=_ROOT)
    not_found_redirect: StrictStr = Field("", description=_NOT_FOUND)
    robots_txt: StrictStr = Field("", description=_ROBOTS)
    favicon: StrictStr = Field("", description=_FAVICON)
    apple_apps: list[StrictStr] = Field([], description=_APPLE)
    android_apps: list[AndroidApp] = Field([], description=_ANDROID)
    version: RowId | None = Field(None, description=VERSION)


class DomainOut(Schema):
    """A short domain of the workspace."""

    id: int
    host: str = Field(examples=["go.example.org"])
    base_url: str = Field(description="What stands in front of a code.", examples=["https://go.example.org"])
    verified_at: datetime | None = Field(description="null: scans of it are not answered yet.")
    root_redirect: str
    not_found_redirect: str
    robots_txt: str
    has_favicon: bool
    apple_apps: list[str]
    android_apps: list[AndroidApp]
    version: int = Field(description="Grows with each edit; also the ETag.", examples=[1])
    created_at: datetime
    updated_at: datetime


class DomainPage(Schema):
    """Domains, newest first."""

    data: list[DomainOut]
    next: str | None = Field(description="Send it as `cursor` for the next page; null on the last one.")

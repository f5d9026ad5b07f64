"""Signed-in people and their pages, for the console's tests."""

import re
import uuid
from dataclasses import dataclass
from typing import Any

from console_stack import Tenant
from django.test import Client

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def signed_in(user: Any, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user, backend=BACKEND)
    return client


def member(tenant: Tenant, role: str) -> Any:
    """A new person with this role in the tenant's workspace."""
    from control_plane.accounts.services import add_member, create_user

    user = create_user(email=f"{role}-{uuid.uuid4().hex[:8]}@example.com", password="correct horse battery")
    add_member(workspace_id=tenant.workspace_id, user=user, role=role)
    return user


def new_link(tenant: Tenant, **values: Any) -> Any:
    from control_plane.campaigns.services import create_link

    values.setdefault("destination", "https://example.com/menu")
    return create_link(workspace_id=tenant.workspace_id, **values)


@dataclass(frozen=True)
class Address:
    """Paths of a tenant's pages."""

    tenant: Tenant

    def __call__(self, path: str = "") -> str:
        return f"/w/{self.tenant.slug}/{path}"


def text_of(html: str) -> str:
    """What a person reads: without tags, scripts and repeated spaces."""
    html = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())

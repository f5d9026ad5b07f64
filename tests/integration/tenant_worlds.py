"""Two workspaces with a row of everything, and all addresses by which one might reach the other."""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from console_stack import Tenant, new_tenant
from django.test import Client

MARK_A, MARK_B = "alphamark", "bravomark"


@dataclass(frozen=True)
class World:
    """One workspace and one row of everything in it, each with the workspace's mark in its texts."""

    tenant: Tenant
    mark: str
    ids: dict[str, Any]

    def value(self, name: str, where: str) -> Any:
        """What stands for the URL parameter `name`. Raises KeyError for one that nobody explained."""
        if name == "slug":
            return self.tenant.slug
        if name == "kind":
            return "svg"
        return self.ids[name]


def build(mark: str, suffix: str) -> World:
    from control_plane.accounts import keys, services
    from control_plane.accounts.permissions import Role
    from control_plane.campaigns import app_schemes, domains
    from control_plane.campaigns import services as campaigns
    from control_plane.passes import alert_contacts, devices, issuers, issuing, jobs, programs, redeem, seats

    tenant = new_tenant(f"{mark}{suffix}")
    own = tenant.workspace_id
    person = services.create_user(
        email=f"{mark}{suffix}-second@example.com",
        password="correct horse battery staple",
        name=f"{mark} second",
    )
    member = services.add_member(workspace_id=own, user=person, role=Role.EDITOR)
    invited = services.invite_member(
        workspace_id=own, email=f"{mark}{suffix}-guest@example.com", role=Role.VIEWER
    )
    key = keys.create_key(workspace_id=own, name=f"{mark} key", scopes=["links:read"])
    domain = domains.create_domain(
        workspace_id=own,
        host=f"{mark}-{suffix}.example.com",
        root_redirect=f"https://example.com/{mark}-root",
    )
    app_schemes.set_app_schemes(workspace_id=own, schemes=[f"{mark}.app"])
    campaign = campaigns.create_campaign(workspace_id=own, name=f"{mark} campaign")
    link = campaigns.create_link(
        workspace_id=own,
        title=f"{mark} title",
        destination=f"https://example.com/{mark}",
        code=f"{mark}-{suffix}",
        campaign_id=campaign.pk,
        domain_id=domain.pk,
    )
    # Moved, so that there is a name it had before.
    campaigns.update_link(workspace_id=own, link_id=link.pk, domain_id=None)
    program = programs.create_program(workspace_id=own, name=f"{mark} program", place=f"{mark} place")
    in_program = {"workspace_id": own, "program_id": program.pk}
    zone = programs.create_zone(**in_program, name=f"{mark} zone", capacity=10)
    gate = programs.create_gate(**in_program, zone_id=zone.pk, name=f"{mark} gate")
    device = devices.create_device(**in_program, name=f"{mark} device", gate_ids=[gate.pk])
    issuer = issuers.create_issuer(**in_program, name=f"{mark} issuer", quota_total=5)
    person = seats.create_seat(workspace_id=own, issuer_id=issuer.pk, name=f"{mark} person")
    (issued,) = issuing.issue(
        **in_program,
        issuer_id=issuer.pk,
        holders_of=[{"name": f"{mark} holder", "email": f"{mark}-holder@example.com", "plate": mark}],
    )
    paired = devices.authenticate(text=devices.pair(code=device.code).key)
    scan = redeem.redeem(device=paired, gate_id=gate.pk, text="nonsense", nonce=uuid.uuid4())
    job = jobs.create_job(**in_program, name=f"{mark} job", rows=[{"name": f"{mark} guest"}])
    contact = alert_contacts.add(
        **in_program, name=f"{mark} contact", kind="mail", address=f"{mark}-contact@example.com"
    )
    ids = {
        "job_id": job.pk,
        "contact_id": contact.id,
        "attempt_id": scan.attempt_id,
        "parent_id": zone.pk,
        "program_id": program.pk,
        "zone_id": zone.pk,
        "gate_id": gate.pk,
        "device_id": device.device.pk,
        "issuer_id": issuer.pk,
        "seat_id": person.seat.pk,
        "pass_id": issued.pk,
        "first": issued.number,
        "last": issued.number,
        "link_id": link.pk,
        "campaign_id": campaign.pk,
        "domain_id": domain.pk,
        "membership_id": member.pk,
        "invitation_id": invited.invitation.pk,
        "key_id": key.key.pk,
        "token": f"{mark}-no-such-token",
        # Of a printed pass: whoever has the code may see what it is worth, and needs no workspace.
        "text": "no-such-pass",
        # Of an issuer's person: whoever has the link may see whom it signs in.
        "code": "no-such-link",
        # The secret link of a pass: whoever has it needs no workspace either.
        "access_code": "a" * 48,
    }
    return World(tenant, mark, ids)


def two_worlds() -> tuple[World, World]:
    suffix = uuid.uuid4().hex[:8]
    return build(MARK_A, suffix), build(MARK_B, suffix)


# The addresses


def console_routes() -> list[tuple[str, dict[str, Any]]]:
    """(route, parameter → converter) of each address of ours in the URL table, without those of the API.

    Signing in is allauth's, and knows no workspaces.
    """
    from django.urls import URLPattern, URLResolver, get_resolver

    def walk(patterns: Any, prefix: str, given: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        for entry in patterns:
            route = prefix + str(entry.pattern)
            converters = {**given, **getattr(entry.pattern, "converters", {})}
            regex = getattr(entry.pattern, "regex", None)
            if not hasattr(entry.pattern, "_route") and regex is not None:
                converters |= dict.fromkeys(regex.groupindex)
            if isinstance(entry, URLResolver):
                yield from walk(entry.url_patterns, route, converters)
            elif isinstance(entry, URLPattern) and entry.callback.__module__.startswith("control_plane."):
                yield route, converters

    return [
        (route, names)
        for route, names in walk(get_resolver().url_patterns, "", {})
        if not route.startswith("api/")
    ]


def api_operations() -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of each operation in the OpenAPI document."""
    document = json.loads(Client().get("/api/v1/openapi.json").content)
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post", "put", "patch", "delete", "head", "options")
    ]


def filled(route: str, world: World) -> str:
    """The route with the world's values. Raises AssertionError for a parameter nobody explained."""

    def one(match: "re.Match[str]") -> str:
        name = match["name"]
        try:
            return str(world.value(name, route))
        except KeyError:
            raise AssertionError(
                f"The wall's test does not know what to put for “{name}” in {route}. Add it to build()."
            ) from None

    return re.sub(r"<(?:\w+:)?(?P<name>\w+)>|\{(?:\w+:)?(?P<other>\w+)\}", lambda m: one(_named(m)), route)


def _named(match: "re.Match[str]") -> Any:
    return {"name": match["name"] or match["other"]}


def everything(response: Any) -> str:
    """All that the client gets: headers and body."""
    if getattr(response, "streaming", False):
        # Endless, and only ever of the workspace in its address.
        body = ""
        response.close()
    else:
        body = response.content.decode("utf-8", "replace")
    return f"{response.status_code} {dict(response.headers)} {body}"


def signed_in(world: World) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.tenant.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def snapshot(world: World) -> str:
    """All rows of the workspace, to see that nothing was changed."""
    from django.apps import apps

    from control_plane.accounts.models import TenantModel, Workspace
    from control_plane.accounts.tenancy import workspace_scope

    with workspace_scope(world.tenant.workspace_id):
        rows = [list(Workspace.objects.values())]
        for model in sorted(apps.get_models(), key=lambda model: model._meta.label):
            if issubclass(model, TenantModel):
                hidden = {"last_used_at", "published_version"}
                names = [
                    field.attname for field in model._meta.concrete_fields if field.attname not in hidden
                ]
                rows.append(list(model.objects.order_by("pk").values(*names)))
    return repr(rows)


def request(client: Client, method: str, path: str, operation: dict[str, Any], key: str, body: Any) -> Any:
    content = {"data": json.dumps(body)} if "requestBody" in operation else {}
    return client.generic(
        method.upper(),
        path,
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
        **content,
    )

"""Addresses of the console's pages. Everything below /w/<slug>/ is behind accounts.access."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from control_plane.console.views import (
    apps,
    campaigns,
    domains,
    home,
    link,
    links,
    live,
    members,
    overview,
    qr,
    rules,
    settings,
)


class RowConverter(IntConverter):
    """A bigint's worth of digits: more of them is not a row of ours, and no reason for a database error."""

    regex = "[0-9]{1,18}"


class KindConverter:
    regex = "svg|png|pdf"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(RowConverter, "row")
register_converter(KindConverter, "kind")

app_name = "console"
urlpatterns = [
    path("", home.home, name="home"),
    path("invitations/<str:token>/", home.invitation, name="invitation"),
    path("w/<slug:slug>/", overview.overview, name="overview"),
    path("w/<slug:slug>/live/", live.workspace, name="workspace_live"),
    path("w/<slug:slug>/links/", links.links, name="links"),
    path("w/<slug:slug>/links/new/", link.new, name="link_new"),
    path("w/<slug:slug>/links/check/", link.check, name="link_check"),
    path("w/<slug:slug>/links/<row:link_id>/", link.show, name="link"),
    path("w/<slug:slug>/links/<row:link_id>/edit/", link.edit, name="link_edit"),
    path("w/<slug:slug>/links/<row:link_id>/pause/", link.pause, name="link_pause"),
    path("w/<slug:slug>/links/<row:link_id>/resume/", link.resume, name="link_resume"),
    path("w/<slug:slug>/links/<row:link_id>/reset/", link.reset, name="link_reset"),
    path("w/<slug:slug>/links/<row:link_id>/delete/", link.delete, name="link_delete"),
    path("w/<slug:slug>/links/<row:link_id>/rules/", rules.rules, name="link_rules"),
    path("w/<slug:slug>/links/<row:link_id>/rules/try/", rules.attempt, name="link_rules_try"),
    path("w/<slug:slug>/links/<row:link_id>/rules/shadow/", rules.shadow, name="link_rules_shadow"),
    path("w/<slug:slug>/links/<row:link_id>/qr.<kind:kind>", qr.image, name="link_qr"),
    path("w/<slug:slug>/links/<row:link_id>/live/", live.link, name="link_live"),
    path("w/<slug:slug>/campaigns/", campaigns.campaigns, name="campaigns"),
    path("w/<slug:slug>/campaigns/<row:campaign_id>/edit/", campaigns.rename, name="campaign_rename"),
    path("w/<slug:slug>/campaigns/<row:campaign_id>/delete/", campaigns.delete, name="campaign_delete"),
    path("w/<slug:slug>/settings/", settings.settings, name="settings"),
    path("w/<slug:slug>/settings/workspace/", settings.workspace, name="settings_workspace"),
    path("w/<slug:slug>/settings/domains/", domains.domains, name="domains"),
    path("w/<slug:slug>/settings/domains/<row:domain_id>/", domains.domain, name="domain"),
    path("w/<slug:slug>/settings/domains/<row:domain_id>/icon.png", domains.icon, name="domain_icon"),
    path("w/<slug:slug>/settings/domains/<row:domain_id>/verify/", domains.verify, name="domain_verify"),
    path("w/<slug:slug>/settings/domains/<row:domain_id>/delete/", domains.delete, name="domain_delete"),
    path("w/<slug:slug>/settings/apps/", apps.apps, name="apps"),
    path("w/<slug:slug>/settings/apps/remove/", apps.remove, name="app_remove"),
    path("w/<slug:slug>/settings/members/", members.members, name="members"),
    path("w/<slug:slug>/settings/members/<row:membership_id>/role/", members.role, name="member_role"),
    path("w/<slug:slug>/settings/members/<row:membership_id>/remove/", members.remove, name="member_remove"),
    path(
        "w/<slug:slug>/settings/invitations/<row:invitation_id>/revoke/",
        members.invitation_revoke,
        name="invitation_revoke",
    ),
    path("w/<slug:slug>/settings/keys/", settings.keys, name="keys"),
    path("w/<slug:slug>/settings/keys/<row:key_id>/revoke/", settings.key_revoke, name="key_revoke"),
]

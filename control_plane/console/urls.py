"""Addresses of the console's pages. Everything below /w/<slug>/ is behind accounts.access."""

from typing import Any

from django.urls import URLPattern, path, register_converter
from django.urls.converters import IntConverter

from control_plane.console.views import (
    apps,
    campaigns,
    conflicts,
    domains,
    home,
    issuer_logo,
    issuer_people,
    issuers,
    jobs,
    link,
    links,
    live,
    many,
    members,
    one_pass,
    overview,
    passes,
    plates,
    program_devices,
    program_zones,
    programs,
    qr,
    report,
    room,
    room_alerts,
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


def _of_program(route: str, view: Any, name: str) -> URLPattern:
    return path(f"w/<slug:slug>/passes/<row:program_id>/{route}", view, name=name)


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
    path("w/<slug:slug>/passes/", programs.programs_list, name="programs"),
    path("w/<slug:slug>/passes/new/", programs.new, name="program_new"),
    _of_program("", programs.show, "program"),
    _of_program("counts/", programs.counts, "program_counts"),
    _of_program("edit/", programs.edit, "program_edit"),
    _of_program("state/", programs.state, "program_state"),
    _of_program("delete/", programs.delete, "program_delete"),
    _of_program("room/", room.room, "room"),
    _of_program("room/counts/", room.counts, "room_counts"),
    _of_program("room/tv/", room.tv, "room_tv"),
    _of_program("room/alerts/", room_alerts.room_alerts, "room_alerts"),
    _of_program("room/contacts/<row:contact_id>/test/", room_alerts.contact_test, "contact_test"),
    _of_program("room/contacts/<row:contact_id>/remove/", room_alerts.contact_remove, "contact_remove"),
    _of_program("report/", report.report, "report"),
    _of_program("report/report.pdf", report.pdf, "report_pdf"),
    _of_program("report/report.zip", report.archive, "report_zip"),
    _of_program("zones/", program_zones.zones, "zones"),
    _of_program("zones/new/", program_zones.zone_new, "zone_new"),
    _of_program("zones/<row:zone_id>/", program_zones.zone, "zone"),
    _of_program("zones/<row:zone_id>/correct/", program_zones.correct, "zone_correct"),
    _of_program("zones/<row:zone_id>/delete/", program_zones.zone_delete, "zone_delete"),
    _of_program("gates/new/", program_zones.gate_new, "gate_new"),
    _of_program("gates/<row:gate_id>/", program_zones.gate, "gate"),
    _of_program("gates/<row:gate_id>/switch/", program_zones.gate_switch, "gate_switch"),
    _of_program("gates/<row:gate_id>/delete/", program_zones.gate_delete, "gate_delete"),
    _of_program("devices/", program_devices.devices, "devices"),
    _of_program("devices/new/", program_devices.new, "device_new"),
    _of_program("devices/<row:device_id>/", program_devices.edit, "device_edit"),
    _of_program("devices/<row:device_id>/code/", program_devices.code, "device_code"),
    _of_program("devices/<row:device_id>/state/", program_devices.state, "device_state"),
    _of_program("devices/<row:device_id>/remove/", program_devices.remove, "device_remove"),
    _of_program("plates/", plates.plates, "plates"),
    _of_program("devices/<row:device_id>/leases/", program_devices.take_back, "device_leases"),
    _of_program("conflicts/", conflicts.conflicts, "conflicts"),
    _of_program("issuers/", issuers.issuers, "issuers"),
    _of_program("issuers/<row:issuer_id>/", issuers.issuer, "issuer"),
    _of_program("issuers/<row:issuer_id>/switch/", issuers.switch, "issuer_switch"),
    _of_program("issuers/<row:issuer_id>/day/", issuers.day, "issuer_day"),
    _of_program("issuers/<row:issuer_id>/delete/", issuers.delete, "issuer_delete"),
    _of_program("jobs/", jobs.jobs_list, "jobs"),
    _of_program("jobs/upload/", jobs.upload, "job_upload"),
    _of_program("jobs/example.csv", jobs.example, "job_example"),
    _of_program("jobs/<row:job_id>/", jobs.show, "job"),
    _of_program("jobs/<row:job_id>/progress/", jobs.progress, "job_progress"),
    _of_program("jobs/<row:job_id>/errors.csv", jobs.errors, "job_errors"),
    _of_program("jobs/<row:job_id>/confirm/", jobs.confirm, "job_confirm"),
    _of_program("jobs/<row:job_id>/discard/", jobs.discard, "job_discard"),
    _of_program("jobs/<row:job_id>/cancel/", jobs.cancel, "job_cancel"),
    _of_program("jobs/<row:job_id>/resume/", jobs.resume, "job_resume"),
    _of_program("issuers/<row:issuer_id>/logo/", issuer_logo.change, "issuer_logo"),
    _of_program("issuers/<row:issuer_id>/logo.png", issuer_logo.image, "issuer_logo_image"),
    _of_program("issuers/<row:issuer_id>/people/", issuer_people.add, "person_new"),
    _of_program("issuers/<row:issuer_id>/people/<row:seat_id>/link/", issuer_people.link, "person_link"),
    _of_program("issuers/<row:issuer_id>/people/<row:seat_id>/state/", issuer_people.state, "person_state"),
    _of_program(
        "issuers/<row:issuer_id>/people/<row:seat_id>/remove/", issuer_people.remove, "person_remove"
    ),
    _of_program("passes/", passes.passes, "passes"),
    _of_program("passes/issue/", passes.issue, "passes_issue"),
    _of_program("passes/print/", passes.sheet, "passes_print"),
    _of_program("passes/many/", many.change, "passes_many"),
    _of_program("passes/<row:pass_id>/", one_pass.show, "pass"),
    _of_program("passes/<row:pass_id>/qr.<kind:kind>", one_pass.image, "pass_qr"),
    _of_program("passes/<row:pass_id>/link.<kind:kind>", one_pass.link_image, "pass_link_qr"),
    _of_program("passes/<row:pass_id>/send/", one_pass.send, "pass_send"),
    _of_program("passes/<row:pass_id>/state/", one_pass.state, "pass_state"),
    _of_program("passes/<row:pass_id>/extend/", one_pass.extend, "pass_extend"),
    _of_program("passes/<row:pass_id>/transfer/", one_pass.transfer, "pass_transfer"),
    _of_program("passes/<row:pass_id>/replace/", one_pass.replace, "pass_replace"),
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

"""The control room of a program: what happens now, who is told when it fills, what happened."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from control_plane.accounts.permissions import KeyScope
from control_plane.api import creation
from control_plane.api.auth import ApiKey
from control_plane.api.room_schemas import (
    AlertContactIn,
    AlertContactList,
    AlertContactOut,
    AlertList,
    AlertOut,
    CsvQuery,
    DaysQuery,
    DeviceNowOut,
    FlowOut,
    ForecastOut,
    IssuerNowOut,
    RefusedOut,
    ReportOut,
    RoomOut,
    ZoneNowOut,
)
from control_plane.passes import alert_contacts, alerts, programs, report, report_csv, report_tables, room
from control_plane.passes.alert_contacts import Contact
from control_plane.passes.report import Report
from control_plane.passes.report_pdf import write_pdf

router = Router(tags=["Control room"])
READ, MANAGE = (ApiKey(scope) for scope in (KeyScope.PASSES_READ, KeyScope.GATES_MANAGE))


@router.get(
    "/{int:program_id}/room", auth=READ, response=RoomOut, operation_id="get_room", summary="What happens now"
)
def get_room(request: HttpRequest, program_id: int) -> RoomOut:
    """Zones with a forecast, who came and left, refusals and issuers of today, devices."""
    own = _own(request)
    now = room.load(program=programs.get_program(workspace_id=own, program_id=program_id))
    return RoomOut(
        at=now.at,
        zones=[_zone(one) for one in now.zones],
        minutes=[FlowOut.from_orm(one) for one in now.minutes],
        hours=[FlowOut.from_orm(one) for one in now.hours],
        came=now.came,
        left=now.left,
        refused=[RefusedOut.from_orm(one) for one in now.refused],
        issuers=[IssuerNowOut.from_orm(one) for one in now.issuers],
        devices=[
            DeviceNowOut(
                id=one.device.pk,
                name=one.device.name,
                state=one.state,
                seen_at=one.device.seen_at,
                battery=one.device.battery,
                offline=one.offline,
                lent=one.lent,
            )
            for one in now.devices
        ],
    )


@router.get(
    "/{int:program_id}/alerts",
    auth=READ,
    response=AlertList,
    operation_id="list_alerts",
    summary="List alerts",
)
def list_alerts(request: HttpRequest, program_id: int) -> AlertList:
    """The newest 100: which zone reached 90 or 100 %, and who was told."""
    rows = alerts.list_alerts(workspace_id=_own(request), program_id=program_id)
    return AlertList(
        data=[AlertOut.from_orm({**vars(row), "id": row.pk, "zone": row.zone.name}) for row in rows]
    )


@router.get(
    "/{int:program_id}/alert-contacts",
    auth=MANAGE,
    response=AlertContactList,
    operation_id="list_alert_contacts",
    summary="List who is told",
)
def list_alert_contacts(request: HttpRequest, program_id: int) -> AlertContactList:
    """By name, without their addresses."""
    rows = alert_contacts.list_contacts(workspace_id=_own(request), program_id=program_id)
    return AlertContactList(data=[_contact(row) for row in rows])


@router.post(
    "/{int:program_id}/alert-contacts",
    auth=MANAGE,
    response={201: AlertContactOut},
    operation_id="create_alert_contact",
    summary="Add somebody to tell",
    openapi_extra=creation.openapi_extra(),
)
def create_alert_contact(request: HttpRequest, program_id: int, contact: AlertContactIn) -> HttpResponse:
    """Nothing is sent yet. An address in a private network is refused."""
    add = partial(
        alert_contacts.add, workspace_id=_own(request), program_id=program_id, **contact.model_dump()
    )
    return creation.created(request, lambda: _contact(add()))


@router.delete(
    "/{int:program_id}/alert-contacts/{int:contact_id}",
    auth=MANAGE,
    response={204: None},
    operation_id="delete_alert_contact",
    summary="Tell somebody no longer",
)
def delete_alert_contact(request: HttpRequest, program_id: int, contact_id: int) -> HttpResponse:
    """What was told stays in the list of alerts."""
    alert_contacts.remove(workspace_id=_own(request), program_id=program_id, contact_id=contact_id)
    return creation.nothing()


@router.get(
    "/{int:program_id}/report",
    auth=READ,
    response=ReportOut,
    operation_id="get_report",
    summary="What happened",
)
def get_report(request: HttpRequest, program_id: int, days: Query[DaysQuery]) -> ReportOut:
    """Of whole days in the program's time zone. No holder's name is in it."""
    made = _report(request, program_id, days)
    period = made.period
    names = (
        "is_over", "total", "issuers", "peaks", "hours", "by_weekday", "gates", "devices", "refusals",
        "clones", "conflicts", "overrides", "corrections", "more",
    )  # fmt: skip
    return ReportOut.from_orm(
        {name: getattr(made, name) for name in names}
        | {"first": period.first, "last": period.last, "time_zone": period.time_zone}
    )


def _file(content_type: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "binary"}
    return {"responses": {200: {"description": description, "content": {content_type: {"schema": schema}}}}}


@router.get(
    "/{int:program_id}/report.csv",
    auth=READ,
    operation_id="get_report_csv",
    summary="One table of a report as CSV",
    openapi_extra=_file("text/csv", "The table, UTF-8 with a byte order mark."),
)
def get_report_csv(request: HttpRequest, program_id: int, days: Query[CsvQuery]) -> HttpResponse:
    """Texts that a spreadsheet would take for a formula begin with an apostrophe."""
    made = {one.name: one for one in report_tables.tables(_report(request, program_id, days))}
    return _download(report_csv.write_csv(made[days.table]), "text/csv", f"{days.table}.csv")


@router.get(
    "/{int:program_id}/report.pdf",
    auth=READ,
    operation_id="get_report_pdf",
    summary="A report as PDF",
    openapi_extra=_file("application/pdf", "A4 pages."),
)
def get_report_pdf(request: HttpRequest, program_id: int, days: Query[DaysQuery]) -> HttpResponse:
    """All tables, 300 rows of each at most."""
    return _download(write_pdf(_report(request, program_id, days)), "application/pdf", "report.pdf")


def _download(content: bytes, content_type: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type=content_type, headers=headers)


def _own(request: HttpRequest) -> int:
    return int(request.auth.workspace_id)  # type: ignore[attr-defined]


def _report(request: HttpRequest, program_id: int, days: DaysQuery) -> Report:
    program = programs.get_program(workspace_id=_own(request), program_id=program_id)
    return report.load(program=program, first=days.first, last=days.last)


def _contact(row: Contact) -> AlertContactOut:
    return AlertContactOut(id=row.id, name=row.name, kind=row.kind, shown=row.shown)


def _zone(one: room.ZoneNow) -> ZoneNowOut:
    return ZoneNowOut(
        id=one.zone.pk,
        name=one.zone.name,
        parent_id=one.zone.parent_id,
        inside=one.zone.inside,
        leased=one.zone.leased,
        capacity=one.zone.capacity,
        percent=one.percent,
        level=one.level,
        came_a_minute=one.came_a_minute,
        left_a_minute=one.left_a_minute,
        forecast=ForecastOut(
            trend=one.forecast.trend,
            at=one.forecast.at,
            per_minute=one.forecast.per_minute,
            words=one.words,
        ),
    )

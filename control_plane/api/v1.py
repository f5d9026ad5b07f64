"""The API, version 1: its routers, its errors, its OpenAPI document and the page to browse it."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import DocsBase

from control_plane.accounts import errors as accounts_errors
from control_plane.api import (
    app_schemes,
    body,
    campaigns,
    conflicts,
    domains,
    gate,
    gate_offline,
    issuers,
    jobs,
    links,
    openapi,
    pass_delivery,
    pass_many,
    passes,
    places,
    plates,
    problem,
    programs,
    qr,
    room,
    seats,
    shadow,
    simulate,
    stats,
    workspace,
)
from control_plane.api.problem import FieldError, Problem
from control_plane.api.strict import strict_query
from control_plane.campaigns import errors as campaigns_errors
from control_plane.campaigns.qr_options import InvalidQr
from control_plane.passes import errors as passes_errors


class DocsPage(DocsBase):
    """Swagger UI from our own static files, with nothing inline."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        return render(
            request, "api/docs.html", {"openapi_url": reverse(f"{api.urls_namespace}:openapi-json")}
        )


class Api(NinjaAPI):
    """NinjaAPI whose OpenAPI document also has the problems, the headers and the examples."""

    def get_openapi_schema(self, **kwargs: Any) -> Any:
        return openapi.completed(super().get_openapi_schema(**kwargs), self._scopes())

    def _scopes(self) -> dict[str, str | None]:
        """Operation → the scope a key needs; None where any valid key will do, "device" for a gate's, "none"
        where there is none yet."""
        return {
            operation.operation_id: operation.auth_callbacks[0].scope if operation.auth_callbacks else "none"
            for router in self._get_bound_routers()
            for view in router.path_operations.values()
            for operation in view.operations
        }


api = Api(
    title="scanway",
    version="1",
    description=openapi.DESCRIPTION,
    urls_namespace="api-v1",
    docs=DocsPage(),
    parser=body.StrictParser(),
)
api.add_decorator(strict_query)
api.add_router("/links", links.router)
api.add_router("/links", stats.router)
api.add_router("/links", qr.router)
api.add_router("/links", simulate.router)
api.add_router("/links", shadow.router)
api.add_router("/campaigns", campaigns.router)
api.add_router("/domains", domains.router)
api.add_router("/programs", programs.router)
api.add_router("/programs", places.router)
api.add_router("/programs", issuers.router)
api.add_router("/programs", jobs.router)
api.add_router("/programs", pass_many.router)
api.add_router("/programs", room.router)
api.add_router("/programs", seats.router)
api.add_router("/passes", passes.router)
api.add_router("/passes", pass_delivery.router)
api.add_router("/gate", gate.router)
api.add_router("/gate", plates.router)
api.add_router("/programs", conflicts.router)
api.add_router("/gate", gate_offline.router)
api.add_router("/workspace", workspace.router)
api.add_router("/workspace/app-schemes", app_schemes.router)


def refusal(error: Exception) -> Problem:
    """The problem that says what a service's error says."""
    match error:
        case Problem():
            return error
        case InvalidQr():
            return problem.invalid(FieldError(error.field, error.message))
        case accounts_errors.NotFound() | campaigns_errors.NotFound() | passes_errors.NotFound():
            return Problem("not-found", error.message)
        case passes_errors.DeviceRefused() | passes_errors.SeatRefused():
            return Problem("unauthorized", error.message, headers={"WWW-Authenticate": "Bearer"})
        case accounts_errors.NotAllowed() | passes_errors.NotAllowed():
            return Problem("forbidden", error.message)
        case (
            campaigns_errors.CodeTaken()
            | campaigns_errors.NameTaken()
            | campaigns_errors.DomainTaken()
            | campaigns_errors.DomainInUse()
            | campaigns_errors.EditConflict()
            | campaigns_errors.LinkBlocked()
            | campaigns_errors.IdempotencyConflict()
            | passes_errors.NameTaken()
            | passes_errors.InUse()
            | passes_errors.EditConflict()
            | passes_errors.QuotaUsedUp()
        ):
            return problem.conflict(error.field, error.message)
        case passes_errors.TooManyGuesses():
            return Problem("too-many-requests", error.message, headers={"Retry-After": "600"})
        case campaigns_errors.StatsUnavailable():
            return Problem("unavailable", error.message, headers={"Retry-After": "10"})
        case (
            accounts_errors.AccountsError() | campaigns_errors.CampaignsError() | passes_errors.PassesError()
        ):
            return problem.invalid(FieldError(error.field, error.message))
        case _:
            raise TypeError(f"{type(error).__name__} is no refusal of a service")


@api.exception_handler(Problem)
@api.exception_handler(InvalidQr)
@api.exception_handler(accounts_errors.AccountsError)
@api.exception_handler(campaigns_errors.CampaignsError)
@api.exception_handler(passes_errors.PassesError)
def on_refusal(request: HttpRequest, error: Exception) -> HttpResponse:
    return refusal(error).response(request)


@api.exception_handler(ValidationError)
def on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problem.from_pydantic(error.errors).response(request)


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    # django-ninja wraps whatever the parser raises.
    if isinstance(error.__cause__, Problem):
        return error.__cause__.response(request)
    return problem.for_status(error.status_code).response(request)


@api.exception_handler(Http404)
def on_not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem.for_status(404).response(request)


@api.exception_handler(RequestDataTooBig)
def on_too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return body.too_large(request).response(request)

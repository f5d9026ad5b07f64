"""The OpenAPI document: complete, told the same way in the README, and kept to under generated requests."""

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from console_stack import Tenant
from django.core.wsgi import get_wsgi_application
from django.test import Client
from gate_world import gate_world
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import control_plane.api

EXAMPLES = 10
# No parameter and no body: nothing about the request can be wrong but its key.
NOTHING_TO_ASK = {"GET /api/v1/gate", "GET /api/v1/gate/attempts"}
schemathesis.serializer("text/csv")(lambda context, value: str(value).encode("utf-8", "replace"))
README = Path(control_plane.api.__file__).parent / "README.md"


@pytest.fixture
def document(console: None) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(Client().get("/api/v1/openapi.json").content)
    return body


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, found) for path, item in document["paths"].items() for method, found in item.items()
    ]


def test_every_operation_is_described_guarded_and_lists_its_problems(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert len(operation["description"]) > 20, where
        guard = {"device": [{"DeviceKey": []}], "none": None}.get(operation["x-scope"], [{"ApiKey": []}])
        assert operation.get("security") == guard, where
        assert operation["tags"], where
        assert {"401", "403", "422", "429"} <= operation["responses"].keys(), where
        assert ("404" in operation["responses"]) >= ("{" in path), where
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                name = answer["$ref"].removeprefix("#/components/responses/")
                assert "application/problem+json" in document["components"]["responses"][name]["content"], (
                    where
                )
        for parameter in operation["parameters"]:
            assert parameter["in"] == "path" or parameter["description"], (where, parameter["name"])
    for name in (
        "LinkIn", "LinkPatch", "CampaignIn", "DomainIn", "DomainPatch", "AppSchemesIn", "ProgramIn", "ZoneIn",
        "GateIn", "DeviceIn", "IssuerIn", "JobIn", "PassesIn", "PassPatch", "PairIn", "RedeemIn",
        "AlertContactIn",
    ):  # fmt: skip
        assert document["components"]["schemas"][name]["examples"]
        assert document["components"]["schemas"][name]["additionalProperties"] is False


def test_the_examples_work(document: dict[str, Any], tenant: Tenant) -> None:
    client = Client(raise_request_exception=False)
    for schema, path in (
        ("LinkIn", "/api/v1/links"),
        ("CampaignIn", "/api/v1/campaigns"),
        ("DomainIn", "/api/v1/domains"),
    ):
        for example in document["components"]["schemas"][schema]["examples"]:
            if "code" in example:
                example = {**example, "code": f"{example['code']}-{tenant.workspace_id}"}
            answer = client.post(path, example, content_type="application/json", headers=tenant.headers)
            assert answer.status_code == 201, answer.content
    for example in document["components"]["schemas"]["AppSchemesIn"]["examples"]:
        answer = client.put(
            "/api/v1/workspace/app-schemes", example, content_type="application/json", headers=tenant.headers
        )
        assert answer.json() == example


def test_the_readme_lists_the_endpoints_that_exist(document: dict[str, Any]) -> None:
    rows = re.findall(
        r"^\| ([A-Z]+) \| `(/[^`]*)` \| ([a-z:]+) \|", README.read_text(encoding="utf-8"), re.MULTILINE
    )
    exist = {
        (method.upper(), path.removeprefix("/api/v1"), operation["x-scope"] or "any")
        for method, path, operation in operations(document)
    }
    assert set(rows) == exist
    assert len(rows) == len(exist)


def test_the_readme_lists_the_problems_that_exist() -> None:
    from control_plane.api.problem import TITLES

    rows = re.findall(r"^\| (\d{3}) \| ([a-z-]+) \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert {(int(status), slug) for status, slug in rows} == {
        (status, slug) for slug, (status, _) in TITLES.items()
    }


def test_the_docs_page_has_nothing_inline_and_nothing_from_elsewhere(console: None) -> None:
    answer = Client().get("/api/v1/docs")
    page = answer.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bon\w+=|style=", page)
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(files) >= 4
    for name in files:
        if name == "data:,":  # no icon
            continue
        assert name.startswith("/")
        assert Client().get(name).status_code == 200, name
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_vendored_files_stay_small_and_have_their_licence() -> None:
    folder = README.parent / "static/api/vendor/swagger-ui"
    assert (folder / "LICENSE").read_text().lstrip().startswith("Apache License")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 2 * 1024 * 1024


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_generated_requests_get_only_answers_that_the_document_describes(
    console: None, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, mode: GenerationMode
) -> None:
    """For each operation, requests made from the document, right ones or wrong ones, on rows that exist and
    on others: no 5xx but “ClickHouse is away” (it is, here); status, type, headers and body as described."""
    from control_plane.api import gate, rate

    for module, limit in ((rate, "LIMIT"), (gate, "PAIRINGS"), (gate, "WRONG_CODES")):
        monkeypatch.setattr(module, limit, 10**9)
    checks = [
        status_code_conformance,
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
    ]
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    statuses: dict[str, set[int]] = {}
    device = gate_world(tenant).headers("Boss")
    for found in schema.get_all_operations():
        operation = found.ok()
        rows = {
            "link_id": "/api/v1/links",
            "campaign_id": "/api/v1/campaigns",
            "domain_id": "/api/v1/domains",
            "program_id": "/api/v1/programs",
        }
        bodies = {
            "link_id": {"destination": "https://example.com/"},
            "campaign_id": {"name": uuid.uuid4().hex},
            "domain_id": {"host": f"go-{uuid.uuid4().hex}.example.com"},
            "program_id": {"name": uuid.uuid4().hex},
        }
        known = {
            name: Client()
            .post(path, bodies[name], content_type="application/json", headers=tenant.headers)
            .json()["id"]
            for name, path in rows.items()
            if f"{{{name}}}" in operation.path
        }
        seen = statuses.setdefault(operation.label, set())
        own = device if operation.path.startswith("/api/v1/gate") else tenant.headers

        def ask(case: schemathesis.Case, seen: set[int] = seen, own: dict[str, str] = own) -> None:
            answer = case.call(headers=own)
            assert answer.status_code < 500 or answer.status_code == 503, answer.text
            # Wrong requests are made wrong in the key, too.
            assert answer.status_code != 401 or mode is GenerationMode.NEGATIVE or case.path.endswith("/pair")
            case.validate_response(answer, checks=checks)
            seen.add(answer.status_code)

        for given_path in [{}, known] if known else [{}]:
            strategy = operation.as_strategy(generation_mode=mode, path_parameters=given_path or None)
            run = settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            )(given(case=strategy)(ask_with(ask)))
            run()
    assert len(statuses) >= 15
    if mode is GenerationMode.NEGATIVE:
        assert all(
            seen & {400, 404, 415, 422}
            for label, seen in statuses.items()
            if "workspace" not in label and label not in NOTHING_TO_ASK
        )
    else:
        assert sum(bool(seen & {200, 201, 204}) for seen in statuses.values()) >= 10


def ask_with(ask: Any) -> Any:
    """Hypothesis wants a function of its own for each operation, with just the case as argument."""

    def check(case: schemathesis.Case) -> None:
        ask(case)

    return check

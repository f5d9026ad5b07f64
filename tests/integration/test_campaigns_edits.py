"""Links: who wins when two edit at once, whose is a code, and what the database itself refuses."""

import contextlib
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from console_stack import new_tenant

GOOD = "https://example.com/spring"
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def workspace_id(tenant):
    return tenant.workspace_id


def make(workspace_id, **more):
    from control_plane.campaigns.services import create_link

    return create_link(workspace_id=workspace_id, **({"destination": GOOD} | more))


def in_threads(*jobs):
    """Run them at once, each on its own connection. Returns results, or the exceptions they raised."""
    from django.db import connection

    def one(job):
        try:
            return job()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(one, jobs))


def test_an_edit_counts_up_and_saying_the_same_again_does_not(workspace_id):
    from control_plane.campaigns.services import update_link

    link = make(workspace_id, title=" Spring \n menu ")
    assert (link.version, link.title, link.destination) == (1, "Spring menu", GOOD)
    changed = update_link(workspace_id=workspace_id, link_id=link.pk, title="Summer", redirect_status=307)
    assert changed.version == 2
    assert update_link(workspace_id=workspace_id, link_id=link.pk, title="Summer").version == 2


def test_a_destination_keeps_its_placeholders_and_knows_no_others(workspace_id):
    from control_plane.campaigns.errors import InvalidLink
    from control_plane.campaigns.publish import publication
    from edge import record

    link = make(workspace_id, destination="https://Example.com/{country}/a b?c={code}".replace(" ", "%20"))
    assert link.destination == "https://example.com/{country}/a%20b?c={code}"
    value = publication(link).records[0][1]
    assert record.decode(value).destination == link.destination
    for address, words in (
        ("https://example.com/{county}", "no placeholder"),
        ("https://{country}.example.com/", "not in its host"),
    ):
        with pytest.raises(InvalidLink, match=words) as refused:
            make(workspace_id, destination=address)
        assert refused.value.field == "destination"


def edit_both(workspace_id, link_id, monkeypatch):
    """Two edits that meet between reading and saving, unless something keeps them apart."""
    from control_plane.campaigns import services

    meeting = threading.Barrier(2)
    save = services._save_next_version

    def meet_and_save(link):
        # Broken: the other one waits for our lock, and cannot come.
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait(timeout=1)
        save(link)

    with monkeypatch.context() as patch:
        patch.setattr(services, "_save_next_version", meet_and_save)
        in_threads(
            lambda: services.update_link(workspace_id=workspace_id, link_id=link_id, title="One"),
            lambda: services.update_link(workspace_id=workspace_id, link_id=link_id, redirect_status=307),
        )
    from control_plane.campaigns.selectors import get_link

    return get_link(workspace_id=workspace_id, link_id=link_id)


def test_two_edits_at_once_both_count(workspace_id, monkeypatch):
    link = edit_both(workspace_id, make(workspace_id).pk, monkeypatch)
    assert (link.version, link.title, link.redirect_status) == (3, "One", 307)


def test_negative_control_without_the_lock_one_edit_is_lost(workspace_id, monkeypatch):
    from control_plane.campaigns import services
    from control_plane.campaigns.models import Link

    monkeypatch.setattr(services, "_locked_link", lambda link_id: Link.objects.get(id=link_id))
    link = edit_both(workspace_id, make(workspace_id).pk, monkeypatch)
    assert link.version == 2
    assert (link.title == "One") != (link.redirect_status == 307)


def test_an_edit_of_what_somebody_else_changed_is_refused(workspace_id):
    from control_plane.campaigns.errors import EditConflict
    from control_plane.campaigns.services import update_link

    link = make(workspace_id)
    update_link(workspace_id=workspace_id, link_id=link.pk, title="Mine", expected_version=1)
    with pytest.raises(EditConflict):
        update_link(workspace_id=workspace_id, link_id=link.pk, title="Theirs", expected_version=1)


def test_a_code_belongs_to_the_first_in_any_case_and_workspace(workspace_id):
    from control_plane.campaigns.errors import CodeTaken

    code = f"Menu-{uuid.uuid4().hex[:8]}"
    other = new_tenant().workspace_id
    first, second = in_threads(
        lambda: make(workspace_id, code=code), lambda: make(other, code=code.upper() + " ")
    )
    taken, made = (first, second) if isinstance(first, Exception) else (second, first)
    assert isinstance(taken, CodeTaken)
    assert taken.field == "code"
    assert made.code == code.lower()


def test_a_deleted_links_code_is_never_given_again(workspace_id):
    from control_plane.campaigns.errors import CodeTaken, NotFound
    from control_plane.campaigns.selectors import get_link, list_links
    from control_plane.campaigns.services import delete_link, resume_link

    link = make(workspace_id)
    delete_link(workspace_id=workspace_id, link_id=link.pk)
    with pytest.raises(CodeTaken):
        make(workspace_id, code=link.code)
    with pytest.raises(NotFound):
        resume_link(workspace_id=workspace_id, link_id=link.pk)
    with pytest.raises(NotFound):
        get_link(workspace_id=workspace_id, link_id=link.pk)
    assert list_links(workspace_id=workspace_id).links == []


def test_a_random_code_that_is_taken_is_drawn_again(workspace_id, monkeypatch):
    from control_plane.campaigns import services

    taken = make(workspace_id).code
    fresh = uuid.uuid4().hex[:10]
    draws = iter([taken, taken, fresh, "never1", "never2"])
    monkeypatch.setattr(services, "random_code", lambda: next(draws))
    assert make(workspace_id).code == fresh


def test_a_blocked_link_is_out_of_its_peoples_hands(workspace_id):
    from control_plane.campaigns import services
    from control_plane.campaigns.errors import LinkBlocked

    link = make(workspace_id)
    known = {"workspace_id": workspace_id, "link_id": link.pk}
    services.block_link(**known)
    for work in (services.pause_link, services.resume_link, services.delete_link):
        with pytest.raises(LinkBlocked):
            work(**known)
    with pytest.raises(LinkBlocked):
        services.update_link(**known, destination="https://example.com/other")
    assert services.unblock_link(**known).state == "paused"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"destination": "javascript:alert(1)"}, "destination"),
        ({"destination": "http://192.168.1.20:8080/abc"}, "destination"),
        ({"destination": 5}, "destination"),
        ({"code": "ab"}, "code"),
        ({"code": "a b c"}, "code"),
        ({"code": "robots"}, "code"),
        ({"code": "x" * 65}, "code"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"redirect_status": 200}, "redirect_status"),
        ({"redirect_status": "302"}, "redirect_status"),
        ({"campaign_id": 2**62}, "campaign_id"),
        ({"starts_at": datetime(2030, 1, 1)}, "starts_at"),  # noqa: DTZ001
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"starts_at": NOON, "expires_at": NOON}, "expires_at"),
        ({"starts_at": NOON, "expires_at": NOON - timedelta(days=1)}, "expires_at"),
    ],
)
def test_bad_values_name_their_field(workspace_id, values, field):
    from control_plane.campaigns.errors import InvalidLink

    with pytest.raises(InvalidLink) as caught:
        make(workspace_id, **values)
    assert caught.value.field == field
    assert caught.value.message.endswith((".", "!"))


@pytest.mark.parametrize(
    "change",
    [
        "state = 'gone'",
        "code = 'UPPER'",
        "code = '-abc'",
        "code = 'ab'",
        "destination = 'javascript:alert(1)'",
        "destination = E'https://example.com/\\r\\nX: y'",
        "expires_at = '2030-01-01Z', starts_at = '2030-01-01Z'",
        "redirect_status = 200",
        "version = 0",
        "published_version = version + 1",
        "published_version = -1",
    ],
)
def test_the_database_refuses_what_must_never_be(workspace_id, change):
    from django.db import IntegrityError, connection

    from control_plane.accounts.tenancy import workspace_scope

    link = make(workspace_id)
    with (
        pytest.raises(IntegrityError, match="check constraint"),
        workspace_scope(workspace_id),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE campaigns_link SET {change} WHERE id = {link.pk}")


def test_search_filter_order_and_pages(workspace_id):
    from control_plane.campaigns.errors import InvalidCursor, InvalidLink
    from control_plane.campaigns.selectors import LinkFilter, count_links, list_links
    from control_plane.campaigns.services import create_campaign, pause_link

    campaign = create_campaign(workspace_id=workspace_id, name="Spring")
    links = [make(workspace_id, title=f"Same title {n % 2}", campaign_id=campaign.pk) for n in range(7)]
    make(workspace_id, title="100% café", destination="https://example.com/needle")
    pause_link(workspace_id=workspace_id, link_id=links[0].pk)

    def found(**where):
        return list_links(workspace_id=workspace_id, where=LinkFilter(**where)).links

    assert [link.title for link in found(text="NEEDLE")] == ["100% café"]
    assert [link.title for link in found(text="100%")] == ["100% café"]
    assert found(text="1_0%") == []
    assert found(text="longer\x00than a code") == []
    assert [link.pk for link in found(text=f"http://192.168.1.20:8080/{links[3].code.upper()}?x=1")] == [
        links[3].pk
    ]
    assert [link.pk for link in found(state="paused")] == [links[0].pk]
    assert count_links(workspace_id=workspace_id, where=LinkFilter(campaign_id=campaign.pk)) == 7

    for order in ("newest", "oldest", "updated", "title", "code"):
        seen, cursor = [], ""
        while True:
            page = list_links(
                workspace_id=workspace_id, where=LinkFilter(order=order), cursor=cursor, limit=3
            )
            seen += page.links
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
        assert len({link.pk for link in seen}) == len(seen) == 8, order
    for broken in ("x", "é", "W10", cursor[:-3], "WyJ0aXRsZSIsIDUsIDVd"):
        with pytest.raises(InvalidCursor):
            list_links(workspace_id=workspace_id, cursor=broken, where=LinkFilter(order="title"))
    with pytest.raises(InvalidLink):
        list_links(workspace_id=workspace_id, where=LinkFilter(state="gone"))


def test_a_campaign_that_goes_leaves_its_links(workspace_id):
    from control_plane.campaigns import selectors, services
    from control_plane.campaigns.errors import InvalidCampaign

    campaign = services.create_campaign(workspace_id=workspace_id, name="Spring")
    with pytest.raises(InvalidCampaign):
        services.create_campaign(workspace_id=workspace_id, name=" Spring ")
    link = make(workspace_id, campaign_id=campaign.pk)
    services.delete_campaign(workspace_id=workspace_id, campaign_id=campaign.pk)
    assert selectors.get_link(workspace_id=workspace_id, link_id=link.pk).campaign is None
    assert selectors.list_campaigns(workspace_id=workspace_id) == []


def test_a_repeated_request_is_done_once(workspace_id):
    from control_plane.campaigns.errors import IdempotencyConflict
    from control_plane.campaigns.idempotency import Answer, remember
    from control_plane.campaigns.selectors import count_links

    def work():
        return Answer(201, {"code": make(workspace_id).code})

    def ask(request=b"POST"):
        return remember(workspace_id=workspace_id, key="k1", request=request, work=work)

    answers = in_threads(*[ask] * 4)
    assert len({answer.body["code"] for answer in answers}) == 1
    assert sorted(answer.replayed for answer in answers) == [False, True, True, True]
    assert count_links(workspace_id=workspace_id) == 1
    with pytest.raises(IdempotencyConflict):
        ask(b"another")


def test_a_request_that_failed_leaves_its_key_free(workspace_id):
    from control_plane.campaigns.errors import InvalidLink
    from control_plane.campaigns.idempotency import Answer, remember

    def fail():
        make(workspace_id, destination="nonsense")

    with pytest.raises(InvalidLink):
        remember(workspace_id=workspace_id, key="k", request=b"1", work=fail)
    assert not remember(
        workspace_id=workspace_id, key="k", request=b"2", work=lambda: Answer(201, {})
    ).replayed


def test_remembered_answers_are_gone_after_a_day(workspace_id):
    from django.utils import timezone

    from control_plane.accounts.tenancy import workspace_scope
    from control_plane.campaigns.idempotency import Answer, forget_old, remember
    from control_plane.campaigns.models import IdempotencyKey

    remember(workspace_id=workspace_id, key="old", request=b"1", work=lambda: Answer(201, {}))
    with workspace_scope(workspace_id):
        IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert not remember(
        workspace_id=workspace_id, key="old", request=b"2", work=lambda: Answer(201, {})
    ).replayed
    with workspace_scope(workspace_id):
        IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert forget_old() >= 1
    with workspace_scope(workspace_id):
        assert IdempotencyKey.objects.count() == 0

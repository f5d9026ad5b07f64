"""What a link can do beyond a plain redirect, by a real edge and a real Valkey."""

import http.client
import threading
from collections import Counter
from urllib.parse import urlencode

import pytest
from edge_process import until

from edge import rules as r
from edge.password import hash_password
from edge.record import (
    DAMAGED_KEY,
    Record,
    count_key,
    domain_key,
    encode,
    key,
)

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
)
PIXEL = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/137.0.0.0 Mobile Safari/537.36"
HOST = "go.acme.example"


def link(link_id, destination="home", **fields):
    return Record(7, link_id, f"https://example.com/{destination}", version=1, **fields)


def test_rules_send_each_phone_where_it_belongs_and_say_which_rule_did(valkey, start):
    rules = (
        r.Rule(when=r.Os(values=("ios",)), then=r.Redirect(to="https://apps.apple.com/app/id1", status=307)),
        r.Rule(
            when=r.All(of=(r.Language(values=("de",)), r.Not(of=r.Os(values=("android",))))),
            then=r.Redirect(
                to="https://example.com/{lang}?c={code}", utm={"source": "poster"}, pass_query=True
            ),
        ),
        r.Rule(when=r.Placement(values=("door",)), then=r.Notice(title="Closed <now>", text="Soon")),
        r.Rule(when=r.Query(name="end"), then=r.Gone()),
    )
    valkey.publish("spring", link(1, rules=rules))
    edge = start()
    assert edge.location("spring") == "https://example.com/home"
    for _ in range(2):  # by way of Valkey, then from memory
        status, headers, _ = edge.get("/spring", User_Agent=IPHONE)
        assert (status, headers["location"]) == (307, "https://apps.apple.com/app/id1")
    german = edge.get("/SPRING?a=1", Accept_Language="fr;q=0.1,de-AT")
    assert german[1]["location"] == "https://example.com/de?c=spring&a=1&utm_source=poster"
    assert edge.get("/spring", Accept_Language="de", User_Agent=PIXEL)[1]["location"].endswith("/home")
    status, headers, body = edge.get("/spring/p/Door")
    assert (status, "Closed &lt;now&gt;" in body.decode()) == (200, True)
    assert edge.get("/spring?end")[0] == 410
    found = [(scan.reason, scan.status, scan.rule, scan.placement) for scan in edge.scans()]
    assert found == [
        ("ok", 302, 0, ""),
        ("ok", 307, 1, ""),
        ("ok", 307, 1, ""),
        ("ok", 302, 2, ""),
        ("ok", 302, 0, ""),
        ("notice", 200, 3, "door"),
        ("gone", 410, 4, ""),
    ]
    assert edge.metric("scanway_edge_faults_total") == 0


def test_a_place_is_looked_up_for_a_rule(valkey, start):
    rule = r.Rule(when=r.Country(values=("US",)), then=r.Redirect(to="https://example.com/us"))
    valkey.publish("spring", link(1, rules=(rule,)))
    edge = start(SCANWAY_TRUSTED_PROXIES="127.0.0.1")
    assert edge.get("/spring", X_Forwarded_For="8.8.8.8")[1]["location"] == "https://example.com/us"
    assert edge.get("/spring", X_Forwarded_For="193.99.144.80")[1]["location"] == "https://example.com/home"


def test_a_split_keeps_each_visitor_and_records_the_variant(valkey, start):
    variants = tuple(r.Variant(to=f"https://example.com/{name}") for name in ("a", "b"))
    valkey.publish("spring", link(1, rules=(r.Rule(then=r.Split(variants=variants)),)))
    edge = start(SCANWAY_TRUSTED_PROXIES="127.0.0.1")
    first = [edge.get("/spring", X_Forwarded_For=f"198.51.100.{n}")[1]["location"] for n in range(40)]
    again = [edge.get("/spring", X_Forwarded_For=f"198.51.100.{n}")[1]["location"] for n in range(40)]
    assert first == again
    assert set(first) == {"https://example.com/a", "https://example.com/b"}
    recorded = [(scan.rule, "-ab"[scan.variant]) for scan in edge.scans()][:40]
    assert recorded == [(1, location[-1]) for location in first]


def scan_many(edge, path, threads=16, times=25, agent=IPHONE):
    """Statuses of many scans at once, each thread on a connection of its own."""
    found, lock = Counter(), threading.Lock()

    def person():
        connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=20)
        for _ in range(times):
            connection.request("GET", path, headers={"User-Agent": agent})
            response = connection.getresponse()
            response.read()
            with lock:
                found[response.status] += 1
        connection.close()

    people = [threading.Thread(target=person) for _ in range(threads)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    return found


def test_a_limit_is_exact_over_all_workers(valkey, start):
    valkey.publish("prize", link(5, max_scans=100))
    valkey.client.set(count_key(5), 0)
    edge = start(SCANWAY_EDGE_WORKERS="2")
    assert scan_many(edge, "/prize") == {302: 100, 410: 300}
    until(lambda: len(edge.scans()) == 400, "all are recorded")
    assert Counter(scan.reason for scan in edge.scans()) == {"ok": 100, "used_up": 300}


def test_without_the_atomic_counter_the_same_limit_is_broken(valkey, start, monkeypatch, tmp_path):
    """The negative control: read and write apart, as two commands."""
    (tmp_path / "sitecustomize.py").write_text(
        "import edge.counter as c, asyncio\n"
        "async def count(self, link_id, workspace_id, at_ms, ip, agent, *, number, visitor, look=False):\n"
        "    key = c.count_key(link_id)\n"
        "    held = int(await self._run(\"return redis.call('GET', KEYS[1])\", [key], []))\n"
        "    await asyncio.sleep(0)\n"
        "    await self._run(\"return redis.call('SET', KEYS[1], ARGV[1])\", [key], [held + 1])\n"
        "    return held + 1, None\n"
        "c.Counter.count = count\n"
    )
    valkey.publish("prize", link(5, max_scans=100))
    valkey.client.set(count_key(5), 0)
    edge = start(SCANWAY_EDGE_WORKERS="2", PYTHONPATH=str(tmp_path))
    assert scan_many(edge, "/prize")[302] > 100


def test_a_lost_counter_gives_nothing_away_and_robots_use_nothing_up(valkey, start):
    valkey.publish("prize", link(5, max_scans=2))
    edge = start()
    status, headers, _ = edge.get("/prize", User_Agent=IPHONE)
    assert (status, headers["retry-after"]) == (503, "1")
    valkey.client.set(count_key(5), 1)
    for agent in ("WhatsApp/2.23", "curl/8.0", "Slackbot-LinkExpanding 1.0"):
        status, headers, body = edge.get("/prize", User_Agent=agent)
        assert (status, headers.get("location"), b"example.com/home" in body) == (200, None, False)
    assert edge.get("/prize", "HEAD", User_Agent=IPHONE)[0] == 200
    assert b"example.com/home" not in edge.get("/prize+", User_Agent=IPHONE)[2]
    assert [edge.get("/prize", User_Agent=IPHONE)[0] for _ in range(3)] == [302, 410, 410]
    assert valkey.client.get(count_key(5)) == b"4"


def test_rules_by_number_and_by_new_visitors(valkey, start):
    rules = (
        r.Rule(when=r.ScanNumber(every=3), then=r.Redirect(to="https://example.com/third")),
        r.Rule(when=r.Visitor(new=True), then=r.Redirect(to="https://example.com/welcome")),
    )
    valkey.publish("spring", link(6, rules=rules))
    valkey.client.set(count_key(6), 0)
    edge = start()
    found = [edge.get("/spring", User_Agent=IPHONE)[1]["location"].rpartition("/")[2] for _ in range(4)]
    assert found == ["welcome", "home", "third", "home"]
    assert edge.get("/spring", User_Agent=PIXEL)[1]["location"].endswith("/welcome")
    (seen,) = valkey.client.keys("scanway:seen:*")
    assert valkey.client.ttl(seen) > 0
    assert b"127.0.0.1" not in b"".join(valkey.client.smembers(seen))
    # Without its counter a link that has no limit goes on; the rule by number just does not hold.
    valkey.client.delete(count_key(6))
    assert edge.get("/spring", User_Agent=IPHONE)[1]["location"].endswith("/home")


def post(edge, path, password, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=20)
    try:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, urlencode({"password": password}), form | headers)
        response = connection.getresponse()
        return response.status, {n.lower(): v for n, v in response.getheaders()}, response.read()
    finally:
        connection.close()


def test_a_password_is_asked_for_once_and_never_in_a_url(valkey, start):
    valkey.publish("secret", link(9, status=307, password=hash_password("open sesame")))
    edge = start(SCANWAY_TRUSTED_PROXIES="127.0.0.1")
    for _ in range(2):
        status, headers, body = edge.get("/secret")
        assert (status, headers.get("location"), b'type="password"' in body) == (200, None, True)
    assert edge.get("/secret?password=open%20sesame")[0] == 200
    assert post(edge, "/secret", "wrong")[0] == 403
    status, headers, _ = post(edge, "/secret", "open sesame", **{"X-Forwarded-Proto": "https"})
    # Not 307: the browser would send the password on.
    assert (status, headers["location"]) == (303, "https://example.com/home")
    cookie, _, attributes = headers["set-cookie"].partition(";")
    assert {"HttpOnly", "Secure", "SameSite=Lax"} <= {part.strip() for part in attributes.split(";")}
    assert edge.get("/secret", Cookie=cookie)[1]["location"] == "https://example.com/home"
    assert edge.get("/secret", Cookie=cookie[:-1] + ("a" if cookie[-1] != "a" else "b"))[0] == 200
    assert b"example.com/home" not in edge.get("/secret+")[2]
    reasons = Counter(scan.reason for scan in edge.scans())
    assert reasons == {"password": 4, "ok": 2, "preview": 1}
    # Another password ends the cookie.
    valkey.publish(
        "secret", Record(7, 9, "https://example.com/home", version=2, password=hash_password("new"))
    )
    until(lambda: edge.get("/secret", Cookie=cookie)[0] == 200, "the old cookie is worth nothing")


@pytest.mark.parametrize("first", [r.Visitor(new=False), r.ScanNumber(after=1)])
def test_who_sees_the_form_only_uses_up_nothing(valkey, start, first):
    """Also where a rule before the password's has to be asked, and Valkey for it."""
    rules = (r.Rule(when=first, then=r.Redirect(to="https://example.com/again")), r.Rule(then=r.Password()))
    limited = link(9, max_scans=1, rules=rules, password=hash_password("open sesame"))
    valkey.publish("prize", limited)
    valkey.client.set(count_key(9), 0)
    edge = start()
    assert [edge.get("/prize", User_Agent=IPHONE)[0] for _ in range(3)] == [200] * 3
    assert valkey.client.get(count_key(9)) == b"0"
    status, headers, _ = post(edge, "/prize", "open sesame", **{"User-Agent": IPHONE})
    assert (status, headers["location"]) == (303, "https://example.com/home")
    assert valkey.client.get(count_key(9)) == b"1"
    assert edge.get("/prize", User_Agent=IPHONE)[0] == 410
    assert edge.metric("scanway_edge_faults_total") == 0


def test_guessing_a_password_is_slow(valkey, start):
    valkey.publish("secret", link(9, password=hash_password("open sesame")))
    edge = start()
    found = [post(edge, "/secret", f"guess {number}")[0] for number in range(12)]
    assert found == [403] * 10 + [429] * 2
    status, headers, _ = post(edge, "/secret", "open sesame")
    assert status == 429 and int(headers["retry-after"]) > 0


def test_a_post_to_anything_else_or_too_long_is_refused(valkey, start):
    valkey.publish("spring", link(1))
    valkey.publish("secret", link(9, password=hash_password("open sesame")))
    edge = start()
    assert post(edge, "/spring", "x")[0] == 405
    assert post(edge, "/nothing", "x")[0] == 405
    assert post(edge, "/secret", "x" * 5000)[0] == 413
    assert edge.metric("scanway_edge_faults_total") == 0


def test_a_preview_says_where_a_link_leads_and_counts_apart(valkey, start):
    valkey.publish("spring", link(1, "a?b=<c>"))
    valkey.publish("paused", link(2, state="p"))
    edge = start()
    status, headers, body = edge.get("/SPRING+")
    assert (status, headers.get("location")) == (200, None)
    assert b"example.com/a?b=&lt;c&gt;" in body
    assert b'href="/spring"' in body
    assert b"example.com" not in edge.get("/paused+")[2]
    assert edge.get("/nothing+")[0] == 404
    assert [scan.reason for scan in edge.scans()] == ["preview", "paused", "unknown"]


def test_a_fallback_is_where_a_link_goes_that_is_not_active(valkey, start):
    over = "https://example.com/over"
    valkey.publish("paused", link(2, state="p", fallback=over))
    valkey.publish("ended", link(3, expires_at=1, fallback=over))
    edge = start()
    for code, reason in (("paused", "paused"), ("ended", "expired")):
        status, headers, _ = edge.get(f"/{code}")
        assert (status, headers["location"]) == (302, over)
        assert edge.scans()[-1].reason == reason


def test_an_app_is_opened_by_each_system_in_its_own_way(valkey, start):
    action = r.App(
        to="https://example.com/web",
        ios_link="myapp://menu",
        ios_store="https://apps.apple.com/app/id1",
        android_link="myapp://menu",
        android_package="com.example.app",
    )
    valkey.publish("app", link(1, rules=(r.Rule(then=action),)))
    edge = start()
    assert edge.location("app") == "https://example.com/web"
    assert edge.get("/app", User_Agent=PIXEL)[1]["location"].startswith("intent://menu#Intent;scheme=myapp;")
    status, headers, body = edge.get("/app", User_Agent=IPHONE)
    assert (status, headers.get("location")) == (200, None)
    assert b'href="myapp://menu"' in body


def test_a_product_is_found_by_its_gs1_path(valkey, start):
    lot = "01/09506000134352/10/ABC"
    valkey.publish("01/09506000134352", link(1, "product"))
    valkey.publish(lot, link(2, "lot"))
    edge = start()
    assert edge.get("/01/9506000134352/21/9")[1]["location"] == "https://example.com/product"
    assert edge.get("/01/09506000134352/10/ABC/21/9")[1]["location"] == "https://example.com/lot"
    assert edge.get("/01/09506000134352/10/abc")[1]["location"] == "https://example.com/product"
    assert edge.get("/01/09506000134353")[0] == 404  # its check digit is wrong
    assert b"example.com/product" in edge.get("/01/09506000134352+")[2]
    assert edge.scans()[1].code == "01/09506000134352/10/ABC/21/9"


def test_a_product_in_memory_is_never_taken_for_another(valkey, start):
    product = "01/09506000134352"
    for number, name in enumerate((product, f"{product}/10/abc", f"{product}/10/a"), 1):
        valkey.publish(name, link(number, str(number)))
    edge = start()
    for _ in range(2):  # by way of Valkey, then from memory
        asked = {
            path: edge.get(f"/{product}{path}")[1].get("location", "")[-1:]
            for path in ("", "/10/abc", "/10/ABC", "/10/a", "/10/a/p/b", "/p/door")
        }
        assert asked == {
            "": "1",
            "/10/abc": "2",
            "/10/ABC": "1",
            "/10/a": "3",
            "/10/a/p/b": "1",
            "/p/door": "",
        }


def test_every_form_of_a_code_is_read_alike_in_memory_or_not(valkey, start):
    forms = (
        "/{}/p/door/",
        "/{}/p/door",
        "/{}?p=door",
        "/{}/p/door+",
        "/{}+?p=door",
        "/{}/",
        "/{}/p/",
        "/{}/x",
    )
    edge, answers = start(), []
    for memory in (False, True):
        for number, form in enumerate(forms):
            code = f"link{number}"
            valkey.publish(code, link(number + 1))
            if memory:
                assert edge.get(f"/{code}")[0] == 302
            status, _, body = edge.get(form.format(code.upper()))
            answers.append((form, status, b"Safety" in body or b"example.com/home" in body))
    assert answers[: len(forms)] == answers[len(forms) :]
    assert [status for _, status, _ in answers[:6]] == [302, 302, 302, 200, 200, 302]
    places = [scan.placement for scan in edge.scans() if scan.placement]
    assert places == ["door"] * 10


def test_a_head_that_is_far_too_long_is_refused(valkey, start):
    valkey.publish("spring", link(1))
    edge = start()
    assert edge.get("/spring", User_Agent="x" * 8_000)[0] == 302
    assert edge.get("/spring", User_Agent="x" * 150_000)[0] == 431
    assert edge.get("/spring")[0] == 302


def test_a_record_that_cannot_be_read_is_told_to_the_control_plane(valkey, start):
    valkey.client.set(key("torn"), b"\x01garbage garbage")
    bad = r.Rule(when=r.Time(zone="Mars/Olympus"), then=r.Gone())
    valkey.client.set(key("mars"), encode(link(3, rules=(bad,))))
    valkey.client.set(domain_key("torn.example"), b"\x01garbage garbage")
    edge = start()
    assert [edge.get(path)[0] for path in ("/torn", "/mars")] == [503, 503]
    assert edge.get("/x", Host="torn.example")[0] == 503
    names = {b"torn", b"mars", b"@torn.example"}
    until(lambda: valkey.client.smembers(DAMAGED_KEY) == names, "the names are reported")
    assert edge.metric("scanway_edge_undecodable_records_total") == 3


def test_a_file_of_the_site_is_no_code(valkey, start):
    valkey.publish("spring", link(1))
    edge = start()
    assert edge.get("/spring")[0] == 302
    valkey.client.client_pause(2_000)
    assert edge.get("/apple-app-site-association")[0] == 404
    assert edge.get("/-")[0] != 503
    assert [scan.reason for scan in edge.scans()] == ["ok"]


def test_a_pass_is_shown_by_the_console_and_recorded_as_no_scan(valkey, start):
    valkey.publish("spring", link(1))
    edge = start(SCANWAY_CONSOLE_URL="https://console.example.com/")
    text = "AEAAC" + "A" * 143
    for path in (f"/T/{text}", f"/t/{text.lower()}", f"/T/{text}?utm_source=x"):
        status, headers, _ = edge.get(path)
        assert (status, headers["location"]) == (302, f"https://console.example.com/t/{text}")
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
    assert edge.get(f"/t/{text}", Host="elsewhere.example")[0] == 404
    for path in ("/t/", "/t/spring/x", "/t/0189", f"/t/{'A' * 201}"):
        assert edge.get(path)[0] == 404
    assert edge.location("spring") == "https://example.com/home"
    assert [scan.reason for scan in edge.scans()] == ["unknown"] * 4 + ["ok"]


def test_without_a_console_a_pass_is_an_unknown_code(valkey, start):
    valkey.publish("spring", link(1))
    assert start().get("/T/AEAAC")[0] == 404

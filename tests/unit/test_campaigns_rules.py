"""Rules as people send them: what is stored of them, and with which words the rest is refused."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from control_plane.campaigns import actions, conditions
from control_plane.campaigns.app_names import REFUSED_SCHEMES
from control_plane.campaigns.errors import InvalidLink
from control_plane.campaigns.rules import MAX_RULES_BYTES, check_rules, rules_json
from edge import rules as r
from edge.compile import compile_rules

RULES_MD = (Path(__file__).parents[2] / "control_plane/api/RULES.md").read_text(encoding="utf-8")
OWN = frozenset({"go.example.com"})
APPS = frozenset({"myapp", "a1"})
GONE = {"type": "gone"}


def stored(when: Any = None, then: Any = None) -> Any:
    """The one rule's stored JSON."""
    rule = {"then": then or GONE} | ({} if when is None else {"when": when})
    return rules_json(check_rules([rule], OWN, APPS))[0]


def refused(when: Any = None, then: Any = None) -> InvalidLink:
    with pytest.raises(InvalidLink) as caught:
        # The second, so that its number and its index differ.
        check_rules([{"then": GONE}, {"when": when, "then": then or GONE}], OWN, APPS)
    return caught.value


@pytest.mark.parametrize(
    ("given_form", "form"),
    [
        ({"type": "os", "values": ["iOS", "Chrome OS", "ios"]}, {"values": ["ios", "chromeos"]}),
        ({"type": "device", "values": ["Phone"]}, {"values": ["phone"]}),
        ({"type": "in_app", "values": ["instagram", "wechat"]}, {"values": ["Instagram", "WeChat"]}),
        ({"type": "in_app"}, {}),
        ({"type": "country", "values": ["de", " DE ", "FR"]}, {"values": ["DE", "FR"]}),
        ({"type": "continent", "values": ["eu"]}, {"values": ["EU"]}),
        ({"type": "region", "values": ["  New   South Wales", "new south wales"]},
         {"values": ["New South Wales"]}),
        ({"type": "city", "values": ["Köln"]}, {"values": ["Köln"]}),
        ({"type": "language", "values": ["pt_BR", "DE"], "accepted": False}, {"values": ["pt-br", "de"]}),
        ({"type": "language", "values": ["zh-Hant"], "accepted": True},
         {"values": ["zh-hant"], "accepted": True}),
        ({"type": "time", "zone": "europe/berlin", "days": [5, 1, 5], "start": "9:00", "end": "24:00"},
         {"zone": "Europe/Berlin", "days": [1, 5], "start": "09:00", "end": "00:00"}),
        ({"type": "dates", "start": "2027-03-01t09:00:00.250z"}, {"start": "2027-03-01T09:00:00Z"}),
        ({"type": "dates", "start": "2027-03-01T09:00:00+01:00", "end": "2027-03-01 08:30:00-00:00"},
         {"start": "2027-03-01T09:00:00+01:00", "end": "2027-03-01T08:30:00Z"}),
        ({"type": "scan_number", "first": 100}, {"first": 100}),
        ({"type": "scan_number", "every": 10, "after": 0}, {"every": 10}),
        ({"type": "visitor", "new": False}, {"new": False}),
        ({"type": "query", "name": "ref", "values": ["A", "a", ""]},
         {"name": "ref", "values": ["A", "a", ""]}),
        ({"type": "referrer", "values": ["WWW.Instagram.com", "whatsapp", "bücher.example"]},
         {"values": ["instagram.com", "WhatsApp", "xn--bcher-kva.example"]}),
        ({"type": "placement", "values": ["Window-2", "Café links"]}, {"values": ["window-2", "café links"]}),
        ({"type": "ip", "values": ["192.0.2.7/24", "192.0.2.0/24", "2001:DB8::1", "::ffff:10.0.0.0/104"]},
         {"values": ["192.0.2.0/24", "2001:db8::1/128", "10.0.0.0/8"]}),
        ({"type": "bot"}, {}),
        ({"type": "bot", "is_bot": False}, {"is_bot": False}),
    ],
)  # fmt: skip
def test_a_condition_has_one_stored_form(given_form: Any, form: Any) -> None:
    assert stored(given_form)["when"] == {"type": given_form["type"]} | form


@pytest.mark.parametrize(
    ("when", "field", "sentence"),
    [
        ({"type": "country", "values": ["Germany"]}, "when.values",
         "Rule 2, country: “Germany” is not a country code. Use two letters such as DE."),
        ({"type": "any", "of": [{"type": "country", "values": ["Germany"]}]}, "when.of[0].values",
         "Rule 2, country: “Germany” is not a country code. Use two letters such as DE."),
        ({"type": "not", "of": {"type": "country", "values": ["UK"]}}, "when.of.values", "is GB."),
        ({"type": "country", "values": []}, "when.values", "Rule 2, country: Give at least one value"),
        ({"type": "country"}, "when.values", "Give at least one value"),
        ({"type": "country", "values": "DE"}, "when.values", "has to be a list"),
        ({"type": "country", "values": [49]}, "when.values", "“49” is not"),
        ({"type": "country", "values": ["DE"] * 251}, "when.values", "At most 250 values"),
        ({"type": "country", "value": ["DE"]}, "when",
         "There is no field “value”. Possible are: type, values."),
        ({"type": "shoe_size"}, "when.type", "“shoe_size” is not one of all, any, not, os, device"),
        ({"values": ["DE"]}, "when.type", "Say with “type” what it is"),
        ("DE", "when", "Rule 2, condition: Write an object in curly brackets; this is “DE”."),
        ({"type": "all", "of": []}, "when.of", "Put at least one condition"),
        ({"type": "not"}, "when.of", "which condition must not hold"),
        ({"type": "os", "values": ["BeOS"]}, "when.values", "“BeOS” is not one of android, chromeos"),
        ({"type": "device", "values": ["fridge"]}, "when.values", "phone, tablet, desktop, tv, other"),
        ({"type": "in_app", "values": ["MySpace"]}, "when.values", "“MySpace” is not one of WeCom"),
        ({"type": "continent", "values": ["Europe"]}, "when.values", "AF, AN, AS, EU, NA, OC, SA"),
        ({"type": "city", "values": ["Bo\x00nn"]}, "when.values", "U+0000"),
        ({"type": "city", "values": ["\ud800"]}, "when.values", "U+D800"),
        ({"type": "city", "values": ["  "]}, "when.values", "A name is empty"),
        ({"type": "city", "values": ["x" * 129]}, "when.values", "at most 128 characters"),
        ({"type": "language", "values": ["German"]}, "when.values", "Use one such as pt or pt-BR."),
        ({"type": "language", "values": ["de"], "accepted": 1}, "when.accepted", "Write true or false"),
        ({"type": "time"}, "when.zone", "IANA name, such as Europe/Berlin"),
        ({"type": "time", "zone": "Mars/Olympus"}, "when.zone", "IANA name"),
        ({"type": "time", "zone": "../etc/passwd"}, "when.zone", "IANA name"),
        ({"type": "time", "zone": "UTC", "days": [0]}, "when.days", "“0” is not a weekday"),
        ({"type": "time", "zone": "UTC", "days": [True]}, "when.days", "“true” is not a weekday"),
        ({"type": "time", "zone": "UTC", "start": "24:00"}, "when.start", "Write it as 08:30 or 22:00."),
        ({"type": "time", "zone": "UTC", "end": "7pm"}, "when.end", "“7pm” is not a time of day"),
        ({"type": "time", "zone": "UTC", "end": "١٢:٠٠"}, "when.end", "is not a time of day"),
        ({"type": "dates"}, "when", "Give a start, an end, or both"),
        ({"type": "dates", "start": "2027-03-01"}, "when.start", "with its offset"),
        ({"type": "dates", "start": "2027-03-01T09:00:00"}, "when.start", "with its offset"),
        ({"type": "dates", "start": "2027-02-30T09:00:00Z"}, "when.start", "with its offset"),
        ({"type": "dates", "start": "2027-02-01T09:00:00+99:00"}, "when.start", "with its offset"),
        ({"type": "dates", "end": "9999-12-31T23:59:59-23:00"}, "when.end", "between the years"),
        ({"type": "dates", "start": "2027-03-01T09:00:00Z", "end": "2027-03-01T10:00:00+01:00"}, "when.end",
         "The end has to come after the start."),
        ({"type": "scan_number"}, "when", "exactly one of first, every or after"),
        ({"type": "scan_number", "first": 1, "every": 2}, "when", "exactly one of"),
        ({"type": "scan_number", "first": 0}, "when", "at least 1"),
        ({"type": "scan_number", "first": 1.5}, "when.first", "whole number"),
        ({"type": "scan_number", "every": True}, "when.every", "whole number"),
        ({"type": "scan_number", "after": -1}, "when.after", "whole number"),
        ({"type": "scan_number", "after": 10**5000}, "when.after", "whole number"),
        ({"type": "visitor"}, "when.new", "Write true or false for “new”."),
        ({"type": "query"}, "when.name", "Give the parameter's name"),
        ({"type": "query", "name": "a\nb"}, "when.name", "U+000A"),
        ({"type": "referrer", "values": ["https://instagram.com/"]}, "when.values", "neither a host name"),
        ({"type": "referrer", "values": ["a..b"]}, "when.values", "neither a host name"),
        ({"type": "placement", "values": [""]}, "when.values", "is not a placement"),
        ({"type": "placement", "values": ["x" * 65]}, "when.values", "at most 64"),
        ({"type": "ip", "values": ["10.0.0.0/33"]}, "when.values", "Write it as 192.0.2.0/24"),
        ({"type": "ip", "values": ["fe80::1%eth0"]}, "when.values", "is not a network"),
        ({"type": "ip", "values": [16777216]}, "when.values", "has to be text"),
        ({"type": "bot", "is_bot": "no"}, "when.is_bot", "Write true or false"),
    ],
)  # fmt: skip
def test_a_condition_that_cannot_be_is_refused_by_number_and_field(
    when: Any, field: str, sentence: str
) -> None:
    error = refused(when)
    assert error.field == f"rules[1].{field}"
    assert error.message.startswith("Rule 2, ")
    assert sentence in error.message


TO = "https://example.com/"
PAIR = [{"to": "https://a.example"}, {"to": "https://b.example", "weight": 3, "name": " B "}]


@pytest.mark.parametrize(
    ("given_form", "form"),
    [
        ({"type": "redirect", "to": "HTTPS://Example.com"}, {"to": TO}),
        ({"type": "redirect", "to": TO, "status": 302, "pass_query": True,
          "utm": {"campaign": "x {code}", "source": " s ", "term": ""}},
         {"to": TO, "status": 302, "pass_query": True, "utm": {"source": "s", "campaign": "x {code}"}}),
        ({"type": "redirect", "to": "https://example.com?c={country}&{x"},
         {"to": "https://example.com/?c={country}&%7Bx"}),
        ({"type": "split", "variants": PAIR},
         {"variants": [{"to": "https://a.example/"},
                       {"to": "https://b.example/", "weight": 3, "name": "B"}]}),
        ({"type": "app", "to": TO, "ios_link": "MyApp://item?id=1#x", "android_package": "com.example.app",
          "ios_store": "https://apps.apple.com/app/id1"},
         {"to": TO, "ios_link": "myapp://item?id=1#x", "android_package": "com.example.app",
          "ios_store": "https://apps.apple.com/app/id1"}),
        ({"type": "app", "to": TO, "ios_link": "https://Example.com/item"},
         {"to": TO, "ios_link": "https://example.com/item"}),
        ({"type": "password"}, {}),
        ({"type": "password", "to": "https://example.com/in"}, {"to": "https://example.com/in"}),
        ({"type": "notice", "title": " Closed ", "text": "Until 9:00.\r\nBye", "button": "Hours", "url": TO},
         {"title": "Closed", "text": "Until 9:00.\nBye", "button": "Hours", "url": TO}),
        (GONE, {}),
    ],
)  # fmt: skip
def test_an_action_has_one_stored_form(given_form: Any, form: Any) -> None:
    assert stored(then=given_form)["then"] == {"type": given_form["type"]} | form


@pytest.mark.parametrize(
    ("then", "field", "sentence"),
    [
        ({"type": "redirect"}, "then.to", "Rule 2, redirect: Give the address"),
        ({"type": "redirect", "to": 5}, "then.to", "has to be an address"),
        ({"type": "redirect", "to": "javascript:alert(1)"}, "then.to",
         "“javascript:” addresses cannot be used"),
        ({"type": "redirect", "to": "https://go.example.com/abc"}, "then.to", "one of our own"),
        ({"type": "redirect", "to": "https://go.example.com/{code}"}, "then.to", "one of our own"),
        ({"type": "redirect", "to": "https://{country}.example.com/"}, "then.to", "not in its host"),
        ({"type": "redirect", "to": "https://example.com:{code}/"}, "then.to", "not in its host"),
        ({"type": "redirect", "to": "https://example.com{code}/"}, "then.to", "not in its host"),
        ({"type": "redirect", "to": "https://{code}@example.com/"}, "then.to", "not in its host"),
        ({"type": "redirect", "to": "{code}://example.com/"}, "then.to", "not in its host"),
        ({"type": "redirect", "to": "https:{code}//example.com/"}, "then.to", "not in its host"),
        ({"type": "redirect", "to": "{code}"}, "then.to", "not in its host"),
        ({"type": "redirect", "to": "https://example.com/{password}"}, "then.to",
         "There is no placeholder “{password}”. Use {code}, {country}, {lang}, {placement}, {click_id}"),
        ({"type": "redirect", "to": "https://example.com/{Code}"}, "then.to", "There is no placeholder"),
        ({"type": "redirect", "to": TO, "status": 200}, "then.status", "Use one of 301, 302, 303, 307, 308."),
        ({"type": "redirect", "to": TO, "status": True}, "then.status", "not a redirect status"),
        ({"type": "redirect", "to": TO, "pass_query": "yes"}, "then.pass_query", "Write true or false"),
        ({"type": "redirect", "to": TO, "utm": []}, "then.utm", "Write an object"),
        ({"type": "redirect", "to": TO, "utm": {"utm_source": "x"}}, "then.utm",
         "Possible are: source, medium"),
        ({"type": "redirect", "to": TO, "utm": {"source": "{x}"}}, "then.utm.source",
         "There is no placeholder"),
        ({"type": "redirect", "to": TO, "utm": {"source": "x" * 201}}, "then.utm.source", "at most 200"),
        ({"type": "split", "variants": PAIR[:1]}, "then.variants", "2 to 8 variants; this has 1."),
        ({"type": "split", "variants": PAIR * 5}, "then.variants", "this has 10."),
        ({"type": "split"}, "then.variants", "this has 0."),
        ({"type": "split", "variants": [*PAIR, {"to": "x"}]}, "then.variants[2].to",
         "Rule 2, split, variant 3: Start the address"),
        ({"type": "split", "variants": [PAIR[0], {"to": TO, "weight": 0}]}, "then.variants[1].weight",
         "1 to 1,000"),
        ({"type": "split", "variants": [PAIR[0], {"to": TO, "weight": 1001}]}, "then.variants[1].weight",
         "1 to 1,000"),
        ({"type": "split", "variants": [PAIR[0], 7]}, "then.variants[1]", "Write an object"),
        ({"type": "app", "to": TO}, "then", "Say which app"),
        ({"type": "app", "ios_link": "myapp://x"}, "then.to", "Give the address"),
        ({"type": "app", "to": TO, "ios_link": "myapp:x"}, "then.ios_link", "myapp://path"),
        ({"type": "app", "to": TO, "ios_link": "http://example.com/"}, "then.ios_link", "“http:” addresses"),
        ({"type": "app", "to": TO, "ios_link": "example.com"}, "then.ios_link", "does not open an app"),
        ({"type": "app", "to": TO, "ios_link": "shop://x"}, "then.ios_link",
         "“shop:” is not one of this workspace's apps. Whoever administers the workspace can add it"),
        ({"type": "app", "to": TO, "android_link": "Shop:x"}, "then.android_link", "“shop:” is not one of"),
        ({"type": "app", "to": TO, "ios_link": "myapp://a b"}, "then.ios_link", "percent-encoded, as %20"),
        ({"type": "app", "to": TO, "ios_link": "myapp://ü"}, "then.ios_link", "%C3%BC"),
        ({"type": "app", "to": TO, "android_link": "myapp://{code}"}, "then.android_link",
         "not filled in here"),
        ({"type": "app", "to": "https://example.com/{code}", "ios_link": "a1://x"}, "then.to",
         "not filled in here"),
        ({"type": "app", "to": TO, "android_package": "example"}, "then.android_package", "com.example.app"),
        ({"type": "app", "to": TO, "ios_store": "http://apps.apple.com/"}, "then.ios_store", "https://"),
        ({"type": "app", "to": TO, "ios_store": "itms-apps://x"}, "then.ios_store", "cannot be used"),
        ({"type": "password", "to": "ftp://x.example"}, "then.to", "“ftp:” addresses cannot be used"),
        ({"type": "notice", "text": "x"}, "then.title", "A notice needs a title."),
        ({"type": "notice", "title": "x", "text": " "}, "then.text", "A notice needs a text."),
        ({"type": "notice", "title": "x\ny", "text": "z"}, "then.title", "U+000A"),
        ({"type": "notice", "title": "x", "text": "z" * 2001}, "then.text", "at most 2,000"),
        ({"type": "notice", "title": "x", "text": "y", "button": "Go"}, "then.url", "A button needs both"),
        ({"type": "notice", "title": "x", "text": "y", "url": TO}, "then.button", "A button needs both"),
        ({"type": "notice", "title": "x", "text": "y", "button": "Go", "url": "data:text/html,x"}, "then.url",
         "cannot be used"),
        ({"type": "gone", "to": TO}, "then", "There is no field “to”. Possible are: type."),
        ({"type": "burn"}, "then.type", "redirect, split, app, password, notice, gone"),
    ],
)  # fmt: skip
def test_an_action_that_cannot_be_is_refused_by_number_and_field(
    then: Any, field: str, sentence: str
) -> None:
    error = refused(then=then)
    assert error.field == f"rules[1].{field}"
    assert error.message.startswith("Rule 2, ")
    assert sentence in error.message


def test_no_scheme_of_a_browser_a_payment_a_call_or_a_message_opens_an_app() -> None:
    for scheme in (
        "googlechrome",
        "firefox",
        "x-safari-https",
        "microsoft-edge",
        "upi",
        "bitcoin",
        "tel",
        "whatsapp",
    ):
        assert scheme in REFUSED_SCHEMES


def test_without_a_list_only_https_opens_an_app() -> None:
    https = {"type": "app", "to": TO, "ios_link": "https://example.com/item"}
    assert check_rules([{"then": https}], OWN)
    with pytest.raises(InvalidLink) as caught:
        check_rules([{"then": https | {"ios_link": "myapp://item"}}], OWN)
    assert caught.value.field == "rules[0].then.ios_link"
    assert caught.value.message == (
        "Rule 1, app: “myapp:” is not one of this workspace's apps. Whoever administers the workspace can "
        "add it under Settings, Apps."
    )


def test_a_list_does_not_open_what_is_refused_to_all() -> None:
    with pytest.raises(InvalidLink, match="“javascript:” addresses cannot be used"):
        check_rules([{"then": {"type": "app", "to": TO, "ios_link": "javascript://x"}}], OWN, {"javascript"})


@pytest.mark.parametrize("scheme", sorted(REFUSED_SCHEMES | {"JavaScript", "INTENT"}))
@pytest.mark.parametrize("field", ["ios_link", "android_link"])
def test_a_dangerous_scheme_opens_no_app(scheme: str, field: str) -> None:
    error = refused(then={"type": "app", "to": TO, field: f"{scheme}://x"})
    assert "addresses cannot be used" in error.message


@pytest.mark.parametrize(
    ("raw", "field", "sentence"),
    [
        (None, "rules", "Send the rules as a list"),
        ({}, "rules", "Send the rules as a list"),
        ([GONE], "rules[0]", "Rule 1, rule: There is no field “type”. Possible are: name, when, then."),
        ([7], "rules[0]", "Write an object"),
        ([{}], "rules[0].then", "Rule 1, action: Say in “then” what happens"),
        ([{"then": GONE, "name": "x" * 81}], "rules[0].name", "at most 80 characters"),
        ([{"then": GONE, "name": None}], "rules[0].name", "has to be text"),
        ([{"then": GONE}] * 51, "rules", "at most 50 rules; these are 51."),
    ],
)
def test_a_list_of_rules_that_cannot_be_is_refused(raw: Any, field: str, sentence: str) -> None:
    with pytest.raises(InvalidLink) as caught:
        check_rules(raw)
    assert caught.value.field == field
    assert sentence in caught.value.message


def test_the_limits_hold_over_all_rules_and_depths() -> None:
    bot = {"type": "bot"}
    full = [{"when": {"type": "any", "of": [bot] * 99}, "then": GONE}] * 2
    assert len(check_rules(full)) == 2
    with pytest.raises(InvalidLink, match=r"Rule 3, condition: A link has at most 200 conditions"):
        check_rules([*full, {"when": bot, "then": GONE}])
    deep: Any = bot
    for _ in range(r.MAX_DEPTH):
        deep = {"type": "not", "of": deep}
    assert compile_rules(check_rules([{"when": deep, "then": GONE}]))
    with pytest.raises(InvalidLink, match="nested 4 deep"):
        check_rules([{"when": {"type": "not", "of": deep}, "then": GONE}])
    for _ in range(100_000):
        deep = {"type": "not", "of": deep}
    with pytest.raises(InvalidLink, match="nested 4 deep"):
        check_rules([{"when": deep, "then": GONE}])


def test_rules_that_are_long_in_all_are_refused_with_their_size() -> None:
    notice = {"type": "notice", "title": "Hello", "text": "x" * 2000}
    assert check_rules([{"then": notice}] * 23)
    with pytest.raises(
        InvalidLink, match=r"these rules have 5\d,\d{3} bytes; a link has room for 49,152"
    ) as caught:
        check_rules([{"then": notice}] * 25)
    assert caught.value.field == "rules"


def test_a_rule_can_ask_for_a_password_only_where_there_is_one() -> None:
    raw = [{"then": GONE}, {"then": {"type": "password"}}]
    assert check_rules(raw)
    with pytest.raises(InvalidLink, match="Rule 2, password: The link has no password") as caught:
        check_rules(raw, has_password=False)
    assert caught.value.field == "rules[1].then"


def test_every_type_of_the_edge_is_known_here_and_none_else() -> None:
    def tags(union: Any) -> set[str]:
        return {msgspec.inspect.type_info(kind).tag for kind in union.__args__}  # type: ignore[attr-defined]

    assert set(conditions.LABELS) == tags(r.AnyCondition)
    assert set(actions._ACTIONS) == tags(r.AnyAction)
    assert set(conditions._LEAVES) == set(conditions.LABELS) - {"all", "any", "not"}


# The description


def described(heading: str) -> dict[str, tuple[set[str], set[str]]]:
    """Type → its needed and its optional fields, by RULES.md."""
    text = RULES_MD.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\w+) \|([^|]*)\|", text, re.MULTILINE)
    return {
        name: (
            set(re.findall(r"(?<!\[)`(\w+)`", fields)),
            set(re.findall(r"\[`(\w+)`\]", fields)),
        )
        for name, fields in rows
        if name != "type"
    }


@pytest.mark.parametrize(("heading", "union"), [("Conditions", r.AnyCondition), ("Actions", r.AnyAction)])
def test_the_description_names_every_type_and_field_and_no_other(heading: str, union: Any) -> None:
    exist = {
        msgspec.inspect.type_info(kind).tag: {  # type: ignore[attr-defined]
            field.name for field in msgspec.structs.fields(kind)
        }
        for kind in union.__args__
    }
    assert {name: needed | optional for name, (needed, optional) in described(heading).items()} == exist


def test_the_example_of_the_description_is_stored_as_it_stands() -> None:
    example = json.loads(RULES_MD.split("```json\n")[1].split("```")[0])
    assert rules_json(check_rules(example)) == example
    assert f"{r.MAX_RULES} rules; {r.MAX_CONDITIONS} conditions" in RULES_MD
    assert f"nested {r.MAX_DEPTH} deep; {r.MAX_VALUES} values" in RULES_MD
    assert f"{MAX_RULES_BYTES // 1024} kB in all" in RULES_MD
    assert all(f"`{{{name}}}`" in RULES_MD for name in r.PLACEHOLDERS)

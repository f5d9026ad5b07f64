import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.gs1 import Gs1, Gs1Error, check_digit, normalise, parse

GTIN = "09506000134352"
CSET82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

gtins = st.builds(
    lambda digits: digits + check_digit(digits),
    st.sampled_from((7, 11, 12, 13)).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n)),
)
values = st.text(CSET82, max_size=20)


def test_a_product_with_lot_and_serial():
    key = parse("/01/9506000134352/10/Lot-7b/21/S1")
    assert key == Gs1(GTIN, lot="Lot-7b", serial="S1")
    assert key.names() == (
        f"01/{GTIN}/10/Lot-7b/21/S1",
        f"01/{GTIN}/10/Lot-7b",
        f"01/{GTIN}/21/S1",
        f"01/{GTIN}",
    )


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (f"/01/{GTIN}", Gs1(GTIN)),
        (f"/01/{GTIN}/", Gs1(GTIN)),
        (f"/01/{GTIN}/21/a", Gs1(GTIN, serial="a")),
        (f"/01/{GTIN}/22/2A/10/b", Gs1(GTIN, variant="2A", lot="b")),
        (f"/01/{GTIN}/10/A/B%c/21/100%", Gs1(GTIN, lot="A/B%c", serial="100%")),
        ("/01/96385074", Gs1("00000096385074")),
        ("/01/614141123452", Gs1("00614141123452")),
    ],
)
def test_forms_of_a_path(path, key):
    assert parse(path) == key


@pytest.mark.parametrize(
    "path", ["/", "/abc", "/01", "/0123", "/02/x", "01/9506000134352", "/x/01/9506000134352"]
)
def test_other_paths_are_none_of_ours(path):
    assert parse(path) is None


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/01/", "digits only"),
        ("/01/٩٦٣٨٥٠٧٤", "digits only"),
        ("/01/123", "8, 12, 13 or 14 digits; this one has 3"),
        ("/01/9506000134353", "should be 2; it is 3"),
        (f"/01/{GTIN}/10/", "The lot is empty"),
        (f"/01/{GTIN}/21/{'x' * 21}", "at most 20 characters; this one has 21"),
        (f"/01/{GTIN}/21/a b", "A serial number has letters"),
        (f"/01/{GTIN}/21/a\n", "A serial number has letters"),
        (f"/01/{GTIN}/99/x", "in this order"),
        (f"/01/{GTIN}x", "digits only"),
        (f"/01/{GTIN}/p/door", "in this order"),
    ],
)
def test_a_wrong_key_is_refused_with_a_reason(path, message):
    with pytest.raises(Gs1Error, match=re.escape(message)):
        parse(path)


@given(gtins, st.data())
def test_any_single_changed_digit_is_refused(gtin, data):
    at = data.draw(st.integers(0, len(gtin) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != gtin[at]]))
    assert parse(f"/01/{gtin}").gtin == gtin.zfill(14)
    with pytest.raises(Gs1Error, match="check digit"):
        parse(f"/01/{gtin[:at]}{other}{gtin[at + 1 :]}")


@given(gtins, values, values, values)
def test_a_name_is_the_path_that_finds_it_and_normalising_again_changes_nothing(gtin, lot, serial, variant):
    try:
        name = normalise(gtin, lot, serial, variant)
    except Gs1Error:
        assert "/" in variant + lot + serial
        return
    key = parse(unquote(f"/{name}"))
    assert key == Gs1(gtin.zfill(14), variant, lot, serial)
    assert key.name == key.names()[0] == name == normalise(key.gtin, key.lot, key.serial, key.variant)
    assert key.names()[-1] == f"01/{key.gtin}"
    assert len(set(key.names())) == len(key.names()) == 2 ** sum(map(bool, (variant, lot, serial)))
    assert re.fullmatch(r"[A-Za-z0-9/%._-]+", name)


@pytest.mark.parametrize("lot", ["A/", "A/21/B", "10/21/"])
def test_a_value_that_its_address_cannot_hold_is_refused(lot):
    with pytest.raises(Gs1Error, match="cannot be told from the rest of the path"):
        normalise(GTIN, lot)


def test_white_space_around_what_people_type_is_dropped():
    assert normalise(f" {GTIN} ", " A ", "  ") == f"01/{GTIN}/10/A"


@given(st.text())
def test_no_path_raises_anything_else(path):
    for each in (path, f"/01/{path}", f"/01/{GTIN}/{path}", f"/01/{GTIN}/10/{path}"):
        try:
            parse(each)
        except Gs1Error as error:
            assert str(error).endswith(".")

"""GS1 Digital Link (URI syntax 1.x): a product, its batch and its serial number in a path.

    /01/{gtin}[/22/{variant}][/10/{lot}][/21/{serial}]

A link that belongs to a product is named by this path in its normal form, without the first slash.
"""

import re
from itertools import product
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

PREFIX: Final = "/01/"
"""A code has three characters or more, so no other path begins like this."""

MAX_VALUE: Final = 20
"""Characters of a variant, lot or serial."""

# GS1 General Specifications, figure 7.11-1: the characters of AI encodable character set 82.
_cset82: Final = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]+")
# The path comes decoded, so a slash in a value is a slash: the qualifiers' fixed order tells them apart.
_shape: Final = re.compile(r"/01/([^/]*)(?:/22/(.*?))?(?:/10/(.*?))?(?:/21/(.*?))?/?", re.DOTALL)


class Gs1Error(ValueError):
    """This is no usable GS1 key; the message says why and what to do."""


class Gs1(NamedTuple):
    """A product and, as far as given, which of them."""

    gtin: str
    """14 digits."""
    variant: str = ""
    """Consumer product variant (AI 22)."""
    lot: str = ""
    """AI 10."""
    serial: str = ""
    """AI 21."""

    @property
    def name(self) -> str:
        """The normal form: `01/<gtin>…`, values percent-encoded as RFC 3986 has it, case kept."""
        values = (("22", self.variant), ("10", self.lot), ("21", self.serial))
        return f"01/{self.gtin}" + "".join(f"/{ai}/{quote(value, safe='')}" for ai, value in values if value)

    def names(self) -> tuple[str, ...]:
        """The links that may answer, the most specific first and the product's own last. At most eight."""
        levels = product(*(dict.fromkeys((value, "")) for value in self[1:]))
        return tuple(Gs1(self.gtin, *values).name for values in levels)


def parse(path: str) -> Gs1 | None:
    """The key in a request's path, which the server has percent-decoded. None where it is no such path.

    Raises Gs1Error where it is one, but wrong.
    """
    if not path.startswith(PREFIX):
        return None
    found = _shape.fullmatch(path)
    if found is None:
        raise Gs1Error(
            "After the GTIN there can be /22/ and a variant, /10/ and a lot, and /21/ and a serial number, "
            "in this order."
        )
    gtin, variant, lot, serial = found.groups()
    return Gs1(
        check_gtin(gtin),
        _value("variant", variant),
        _value("lot", lot),
        _value("serial number", serial),
    )


def normalise(gtin: str, lot: str = "", serial: str = "", variant: str = "") -> str:
    """The name of the link for this product, lot or item. Values as people write them. Raises Gs1Error."""
    key = Gs1(
        check_gtin(gtin.strip()),
        _value("variant", variant.strip() or None),
        _value("lot", lot.strip() or None),
        _value("serial number", serial.strip() or None),
    )
    if not _comes_back(key):
        raise Gs1Error(
            "A slash at the end of a variant, lot or serial number, or /10/ or /21/ inside it, cannot be "
            "told from the rest of the path. Use another value."
        )
    return key.name


def check_gtin(gtin: str) -> str:
    """The 14 digits of a GTIN-8, -12, -13 or -14. Raises Gs1Error."""
    if not (gtin.isascii() and gtin.isdigit()):
        raise Gs1Error(f"A GTIN has digits only; this one is “{gtin[:40]}”.")
    if len(gtin) not in (8, 12, 13, 14):
        raise Gs1Error(f"A GTIN has 8, 12, 13 or 14 digits; this one has {len(gtin)}.")
    gtin = gtin.zfill(14)
    expected = check_digit(gtin[:-1])
    if gtin[-1] != expected:
        raise Gs1Error(
            f"The GTIN’s last digit, its check digit, should be {expected}; it is {gtin[-1]}. "
            "Compare all digits with the barcode."
        )
    return gtin


def check_digit(digits: str) -> str:
    """The digit that follows these, weights 3 and 1 from the right (GS1 General Specifications, 7.9.1)."""
    total = sum(int(digit) * (1 if at % 2 else 3) for at, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _comes_back(key: Gs1) -> bool:
    try:
        return parse(unquote(f"/{key.name}")) == key
    except Gs1Error:
        return False


def _value(what: str, text: str | None) -> str:
    if text is None:
        return ""
    if not text:
        raise Gs1Error(f"The {what} is empty. Leave it out, or give one.")
    if len(text) > MAX_VALUE:
        raise Gs1Error(f"A {what} has at most {MAX_VALUE} characters; this one has {len(text)}.")
    if not _cset82.fullmatch(text):
        raise Gs1Error(
            f"A {what} has letters a–z and A–Z, digits and ! \" % & ' ( ) * + , - . / : ; < = > ? _ only."
        )
    return text

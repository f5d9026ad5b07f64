"""Base45 (RFC 9285): bytes in the 45 characters of a QR code's alphanumeric mode, two bytes in three."""

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

_digits: Final = {character: digit for digit, character in enumerate(ALPHABET)}


class Base45Error(ValueError):
    """This is no Base45; the message says why."""


def encode(data: bytes) -> str:
    text = []
    for at in range(0, len(data), 2):
        group = data[at : at + 2]
        number = int.from_bytes(group, "big")
        for _ in range(len(group) + 1):
            number, digit = divmod(number, 45)
            text.append(ALPHABET[digit])
    return "".join(text)


def decode(text: str) -> bytes:
    """The bytes, of which no other text is the Base45: nothing is skipped, mended or read in another case.

    Raises Base45Error.
    """
    if len(text) % 3 == 1:
        raise Base45Error(f"No Base45 has {len(text)} characters.")
    try:
        digits = [_digits[character] for character in text]
    except KeyError as error:
        raise Base45Error(f"Base45 has no character {error}.") from None
    data = bytearray()
    for at in range(0, len(digits), 3):
        number = 0
        for digit in reversed(digits[at : at + 3]):
            number = number * 45 + digit
        size = min(2, len(digits) - at - 1)
        if number >> 8 * size:
            raise Base45Error(f"The characters from {at + 1} on stand for more than {size} bytes can hold.")
        data += number.to_bytes(size, "big")
    return bytes(data)

"""Addresses and texts that hold placeholders: `{country}` in a destination becomes the scan's own.

The edge fills them in percent-encoded. They may stand after the host only: what decides where a visitor is
sent has to be fixed when it is saved.
"""

import re
from collections.abc import Collection

from control_plane.campaigns.destinations import MAX_LENGTH, check_destination
from control_plane.campaigns.draft import shown
from control_plane.campaigns.errors import InvalidLink
from edge.rules import PLACEHOLDERS

_braces = re.compile(r"\{([^{}]*)\}")
_head = re.compile(r"(?:[^:/?#]*:)?(?://)?[^/?#]*")


def check_template(url: str, own_hosts: Collection[str] = ()) -> str:
    """As `check_destination`, but known placeholders stay as they are. The result checked again is itself.

    Raises InvalidLink.
    """
    url = url.strip(" ")
    if len(url) > MAX_LENGTH or "{" not in url:
        return check_destination(url, own_hosts)
    check_placeholders(url)
    head = _head.match(url)
    if head and used(head[0]):
        raise _refuse(
            "A placeholder may stand in the path, the query or the fragment of an address, not in its host."
        )
    # Each stands as a word of the same length while the address is checked: z, digits, y. Two such words
    # cannot overlap, nor can one begin in the text around it; and “%z” is a stray “%”, as “%{” is.
    words: dict[str, str] = {}
    tried = 0
    for name in PLACEHOLDERS:
        while (word := f"z{tried:0{len(name)}d}y") in url:
            tried += 1
        words[word] = f"{{{name}}}"
        url = url.replace(words[word], word)
        tried += 1
    checked = check_destination(url, own_hosts)
    slash = checked.index("/", checked.index("://") + 3)
    host, rest = checked[:slash], checked[slash:]
    for word, placeholder in words.items():
        rest = rest.replace(word, placeholder)
    return host + rest


def check_placeholders(text: str) -> None:
    """Raises InvalidLink where something in braces is not a placeholder."""
    for name in _braces.findall(text):
        if name not in PLACEHOLDERS:
            choice = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            raise _refuse(
                f"There is no placeholder {shown(f'{{{name}}}')}. Use {choice}, or write %7B and %7D for "
                "the braces themselves."
            )


def check_fixed(url: str, own_hosts: Collection[str] = ()) -> str:
    """As `check_destination`, for an address that is no template. Raises InvalidLink."""
    refuse_placeholders(url)
    return check_destination(url, own_hosts)


def refuse_placeholders(text: str) -> None:
    """Raises InvalidLink where there is one: nobody would fill it in."""
    for name in used(text):
        raise _refuse(
            f"{shown(f'{{{name}}}')} is not filled in here. Placeholders work in a link's own "
            "destination, and in redirects, splits and passwords."
        )


def used(text: str) -> list[str]:
    """The placeholders in a text, by name."""
    return [name for name in _braces.findall(text) if name in PLACEHOLDERS]


def _refuse(message: str) -> InvalidLink:
    return InvalidLink("destination", message)

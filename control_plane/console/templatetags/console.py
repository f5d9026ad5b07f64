"""Template tags of the console: icons, the theme, flags, names and numbers."""

from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from control_plane.console import names
from control_plane.console.shell import frame

register = template.Library()

THEME_COOKIE = "theme"
THEMES = ("light", "dark")
_vendor = Path(__file__).resolve().parent.parent / "static" / "vendor"


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """What the person chose, or "system". Rendered by the server so that no page flashes in the other one."""
    request = context.get("request")
    chosen = request.COOKIES.get(THEME_COOKIE, "") if request else ""
    return chosen if chosen in THEMES else "system"


@register.simple_tag(takes_context=True)
def pressed(context: template.Context, name: str) -> str:
    return "true" if theme(context) == name else "false"


@register.simple_tag(takes_context=True)
def complete_frame(context: template.Context) -> str:
    """The navigation also on pages that are not ours (allauth's): they know nothing of workspaces."""
    if "can" not in context and "request" in context:
        for name, value in frame(context["request"]).items():
            context[name] = value
    return ""


@cache
def _shapes(name: str) -> str:
    """What is inside a vendored icon's <svg> element."""
    text = (_vendor / "lucide" / f"{name}.svg").read_text("utf-8")
    inner = text.split(">", 2)[2].rsplit("</svg>", 1)[0]
    return " ".join(inner.split())


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """An icon of the vendored set, decorative: the text beside it says the same."""
    # The file is ours, so its markup is safe; name and size are written by our templates.
    return format_html(
        '<svg class="icon{}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
        'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>',
        f" icon-{size}" if size else "",
        mark_safe(_shapes(name)),  # noqa: S308
    )


@register.simple_tag
def flag(code: str) -> SafeString:
    """A country's flag, or a globe where the country is not known."""
    if code not in names.COUNTRIES or not (_vendor / "flags" / f"{code}.svg").exists():
        return icon("globe")
    source = static(f"vendor/flags/{code}.svg")
    return format_html('<img class="flag" src="{}" alt="" loading="lazy">', source)


@register.filter
def country(code: str) -> str:
    return names.country(code)


@register.filter
def host(url: str) -> str:
    """The host of a destination, for one line of a list."""
    return urlsplit(url).hostname or url


@register.filter
def bare(url: str) -> str:
    """A URL as people say it: without scheme and without a last slash."""
    return url.split("://", 1)[-1].rstrip("/")


@register.filter
def web(url: str) -> str:
    """The URL where it is http or https, else nothing: what may stand in an href."""
    return url if urlsplit(url).scheme in ("http", "https") else ""


@register.filter
def grouped(number: int | None) -> str:
    """12345 → 12,345; an unknown number is a dash."""
    return "–" if number is None else f"{number:,}"


@register.filter
def compact(number: int | None) -> str:
    """12345 → 12.3k: for narrow columns."""
    if number is None:
        return "–"
    for limit, unit in ((1_000_000_000, "bn"), (1_000_000, "m"), (10_000, "k")):
        if number >= limit:
            value = number / (1000 if unit == "k" else limit)
            return f"{value:.1f}".rstrip("0").rstrip(".") + unit
    return f"{number:,}"


@register.inclusion_tag("console/parts/field.html")
def field(bound: BoundField, prefix: str = "", autofocus: bool = False) -> dict[str, object]:
    """Label, control, hint and error sentences, tied together for people who do not see them.

    prefix: text in front of the input, such as the short domain.
    """
    # Not id_for_label: a group of choices has no control that a label could be for, and it is empty.
    described = [f"{bound.auto_id}-hint"] if bound.help_text else []
    if bound.errors:
        described.append(f"{bound.auto_id}-error")
    attrs: dict[str, str] = {}
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if bound.errors:
        attrs["aria-invalid"] = "true"
    if autofocus or (bound.errors and next(iter(bound.form.errors)) == bound.name):
        attrs["autofocus"] = "autofocus"
    kind = getattr(bound.field.widget, "input_type", "textarea")
    if kind not in ("checkbox", "radio", "hidden"):
        attrs["class"] = {"select": "select", "textarea": "textarea"}.get(kind, "input")
    choices = bound.field.widget.__class__.__name__ in ("CheckboxSelectMultiple", "RadioSelect")
    return {
        "field": bound,
        "control": bound if choices else bound.as_widget(attrs=attrs),
        "choices": choices,
        "kind": kind,
        "prefix": prefix,
        "described": " ".join(described),
    }


@register.filter
def ago(at: datetime | None) -> str:
    """How long ago, in one unit; a date where it is longer than a month."""
    if at is None:
        return ""
    seconds = (timezone.now() - at).total_seconds()
    for limit, size, unit in ((3600, 60, "min"), (86_400, 3600, "h"), (31 * 86_400, 86_400, "d")):
        if seconds < 60:
            return "just now"
        if seconds < limit:
            return f"{int(seconds // size)} {unit} ago"
    return date_format(timezone.localtime(at), "j M Y")


@register.filter
def rate(people: float) -> str:
    """4.6 → 4.6, 4.0 → 4, 12.4 → 12: people a minute."""
    return f"{people:,.0f}" if people >= 10 else f"{people:.1f}".removesuffix(".0")


@register.filter
def share(number: int, most: int) -> int:
    """How long a bar is, in percent of the longest one."""
    return round(100 * number / most) if most else 0


@register.filter
def percentage(part: float | None) -> str:
    """0.256 → 26 %; an unknown one is a dash."""
    return "–" if part is None else f"{round(100 * part)} %"


@register.filter
def cell(value: str | int | None) -> str:
    """A cell of a report's table."""
    return "" if value is None else f"{value:,}" if isinstance(value, int) else value

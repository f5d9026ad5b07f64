"""The form of a new or changed link."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote

from django import forms

from control_plane.campaigns.addresses import short_base
from control_plane.campaigns.destinations import check_destination
from control_plane.campaigns.errors import InvalidLink
from control_plane.campaigns.link_values import MAX_LIMIT, MAX_PASSWORD, MIN_PASSWORD
from control_plane.campaigns.models import Campaign, Domain, Link
from control_plane.campaigns.own_hosts import own_hosts
from control_plane.campaigns.placeholders import check_template
from control_plane.console.forms import ConsoleForm
from edge.code import CodeError, check_own_code
from edge.gs1 import Gs1Error, normalise, parse
from edge.rules import PLACEHOLDERS

ADVANCED: Final = (
    "password", "remove_password", "max_scans", "fallback", "pass_query", "gtin", "variant", "lot", "serial",
)  # fmt: skip
"""Fields that stand behind “More”, which opens by itself where one of them is used or wrong."""

_PLAIN: Final = (
    "destination", "title", "starts_at", "expires_at", "max_scans", "fallback", "pass_query",
    "redirect_status",
)  # fmt: skip
"""Fields that are called the same everywhere."""

_PASSWORD_LENGTH: Final = f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters; this one has"


def _plain(**more: str) -> dict[str, str]:
    return {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"} | more


class LinkForm(ConsoleForm):
    """A new link, or (with `link`) an edit of one: the code of a link never changes."""

    renamed = ConsoleForm.renamed | {"domain_id": "domain", "gs1": "gtin"}

    destination = forms.CharField(
        label="Destination",
        max_length=20_000,  # the sentence about what is too long comes from check_template
        help_text="Where a scan leads: a web address with http or https. "
        f"{' '.join(f'{{{name}}}' for name in PLACEHOLDERS)} in it are filled in for each scan.",
        error_messages={"required": "Say where the link leads, such as https://example.com/menu."},
        widget=forms.TextInput(
            attrs={
                "type": "url",
                "inputmode": "url",
                "placeholder": "https://example.com/menu",
                "autocomplete": "off",
                "spellcheck": "false",
            }
        ),
    )
    code = forms.CharField(
        label="Code",
        required=False,
        max_length=500,
        help_text="At least 3 letters, digits and hyphens. Leave it empty for a random one nobody can guess.",
        widget=forms.TextInput(
            attrs={
                "placeholder": "random",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )
    title = forms.CharField(
        label="Title",
        required=False,
        max_length=200,
        help_text="Only you see it.",
        error_messages={"max_length": "A title has at most 200 characters; this one has %(show_value)d."},
        widget=forms.TextInput(attrs={"placeholder": "Spring menu", "autocomplete": "off"}),
    )
    campaign = forms.TypedChoiceField(label="Campaign", required=False, coerce=int, empty_value=None)
    starts_at = forms.DateTimeField(
        label="Starts",
        required=False,
        help_text="Empty: at once.",
        error_messages={"invalid": "Give a date and a time, such as 2030-01-31 18:00."},
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    expires_at = forms.DateTimeField(
        label="Expires",
        required=False,
        help_text="Empty: never.",
        error_messages={"invalid": "Give a date and a time, such as 2030-01-31 18:00."},
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    domain = forms.TypedChoiceField(label="Domain", required=False, coerce=int, empty_value=None)
    password = forms.CharField(
        label="Password",
        required=False,
        max_length=MAX_PASSWORD,
        strip=False,
        help_text="Whoever scans has to know it. It is stored as a hash and never shown.",
        error_messages={"max_length": f"{_PASSWORD_LENGTH} %(show_value)d."},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    remove_password = forms.BooleanField(label="Remove the password", required=False)
    max_scans = forms.IntegerField(
        label="Most scans",
        required=False,
        min_value=1,
        max_value=MAX_LIMIT,
        help_text="After that many redirects the link is used up. Empty: no limit.",
        error_messages={
            "invalid": "Give a whole number, or nothing for no limit.",
            "min_value": "Give a number from 1, or nothing for no limit.",
            "max_value": f"Give a number up to {MAX_LIMIT:,}, or nothing for no limit.",
        },
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "placeholder": "no limit"}),
    )
    fallback = forms.CharField(
        label="Fallback address",
        required=False,
        max_length=20_000,
        help_text="Where a scan goes while the link is paused, not started, expired or used up. "
        "Empty: a page that says so.",
        widget=forms.TextInput(
            attrs=_plain(type="url", inputmode="url", placeholder="https://example.com/over")
        ),
    )
    redirect_status = forms.TypedChoiceField(
        label="Redirect status",
        required=False,
        coerce=int,
        empty_value=302,
        choices=[
            (302, "302, for now (usual)"),
            (301, "301, for ever: browsers remember it"),
            (303, "303, by GET"),
            (307, "307, for now, same method"),
            (308, "308, for ever, same method"),
        ],
        help_text="With 301 and 308 a browser that came once may never ask again, and is not counted.",
        error_messages={"invalid_choice": "Choose a status from the list."},
    )
    pass_query = forms.BooleanField(
        label="Hand on the query of a scan",
        required=False,
        help_text="What stands after ? in the short address is added to the destination’s own.",
    )
    gtin = forms.CharField(
        label="GTIN",
        required=False,
        max_length=40,
        help_text="The number below the product’s barcode.",
        widget=forms.TextInput(attrs=_plain(inputmode="numeric", placeholder="09506000134352")),
    )
    variant = forms.CharField(
        label="Variant",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=_plain(placeholder="any")),
    )
    lot = forms.CharField(
        label="Lot", required=False, max_length=200, widget=forms.TextInput(attrs=_plain(placeholder="any"))
    )
    serial = forms.CharField(
        label="Serial number",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=_plain(placeholder="any")),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        campaigns: Iterable[Campaign],
        domains: Iterable[Domain],
        link: Link | None = None,
        **kwargs: Any,
    ) -> None:
        if link is not None:
            kwargs["initial"] = _initial(link) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        campaign = self.fields["campaign"]
        campaign.choices = [("", "No campaign"), *((one.pk, one.name) for one in campaigns)]
        campaign.error_messages["invalid_choice"] = "There is no such campaign in this workspace."
        self.own_domains = list(domains)
        domain = self.fields["domain"]
        domain.choices = [("", _bare(short_base())), *((one.pk, _called(one)) for one in self.own_domains)]
        domain.error_messages["invalid_choice"] = "There is no such domain in this workspace."
        if link is not None:
            del self.fields["code"]
            domain.help_text = (
                "With another domain the old short address is gone for good; codes on paper stop working."
            )
        if not self.own_domains:
            del self.fields["domain"]
        if link is None or not link.has_password:
            del self.fields["remove_password"]
        else:
            self.fields["password"].label = "Another password"
            self.fields["password"].help_text = "One is set. Empty: it stays. It is never shown."

    @property
    def more_is_open(self) -> bool:
        """Something behind “More” is set, or wrong."""
        used = any(name in self.errors or self.initial.get(name) for name in (*ADVANCED, "has_password"))
        return used or self.initial.get("redirect_status", 302) != 302

    def clean_destination(self) -> str:
        try:
            return check_template(self.cleaned_data["destination"], own_hosts())
        except InvalidLink as error:
            raise forms.ValidationError(error.message) from None

    def clean_fallback(self) -> str:
        given = self.cleaned_data["fallback"].strip()
        try:
            return check_destination(given, own_hosts()) if given else ""
        except InvalidLink as error:
            raise forms.ValidationError(error.message) from None

    def clean_password(self) -> str:
        given: str = self.cleaned_data["password"]
        if 0 < len(given) < MIN_PASSWORD:
            raise forms.ValidationError(f"{_PASSWORD_LENGTH} {len(given)}.")
        return given

    def clean_code(self) -> str:
        code = self.cleaned_data["code"].strip()
        try:
            return check_own_code(code) if code else ""
        except CodeError as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        starts_at, expires_at = self.cleaned_data.get("starts_at"), self.cleaned_data.get("expires_at")
        if starts_at and expires_at and expires_at <= starts_at:
            self.add_error("expires_at", "The end has to come after the start.")
        if self.cleaned_data.get("remove_password") and self.cleaned_data.get("password"):
            self.add_error("remove_password", "Either remove the password, or give another one.")
        self.cleaned_data["gs1"] = self._gs1()
        return self.cleaned_data

    def _gs1(self) -> str:
        parts = [self.cleaned_data.get(name, "").strip() for name in ("gtin", "lot", "serial", "variant")]
        parts[0] = parts[0].replace(" ", "").replace("-", "")
        if not any(parts):
            return ""
        if not parts[0]:
            self.add_error("gtin", "A variant, lot or serial number belongs to a product: give its GTIN too.")
            return ""
        try:
            return normalise(*parts)
        except Gs1Error as error:
            self.add_error("gtin", str(error))
            return ""

    def values(self) -> dict[str, Any]:
        """What the services take."""
        clean = self.cleaned_data
        values = {name: clean[name] for name in (*_PLAIN, "gs1")} | {"campaign_id": clean["campaign"]}
        if "domain" in self.fields:
            values["domain_id"] = clean["domain"]
        values["password"] = None if clean.get("remove_password") else clean["password"]
        return values


def _called(domain: Domain) -> str:
    return domain.host if domain.is_verified else f"{domain.host} (waiting for its DNS)"


def _bare(url: str) -> str:
    return url.split("://", 1)[-1]


def _initial(link: Link) -> dict[str, Any]:
    """What is stored, but for the password: that is never shown."""
    values = {name: getattr(link, name) for name in _PLAIN}
    values |= {"campaign": link.campaign_id, "domain": link.domain_id, "version": link.version}
    key = parse(unquote(f"/{link.gs1}")) if link.gs1 else None
    if key is not None:
        values |= {"gtin": key.gtin, "variant": key.variant, "lot": key.lot, "serial": key.serial}
    return values | {"has_password": link.has_password}

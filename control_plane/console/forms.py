"""The console's forms: they read what a person typed and say what is wrong with it, field by field.

What may be is decided by the services; the checks here call the same functions, so that a form shows all its
errors at once and not one after the other.
"""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils import timezone

from control_plane.accounts.errors import AccountsError
from control_plane.accounts.models import ROLE_CHOICES
from control_plane.accounts.permissions import KeyScope, manages
from control_plane.campaigns.destinations import check_destination
from control_plane.campaigns.errors import CampaignsError, InvalidLink
from control_plane.campaigns.models import Campaign, Link
from control_plane.campaigns.own_hosts import own_hosts
from edge.code import CodeError, check_own_code


class ConsoleForm(forms.Form):
    """A form that can take a service's refusal."""

    # Where the service's word for a field is not the form's.
    renamed = {"campaign_id": "campaign"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        for field in self.fields.values():
            field.error_messages.setdefault("required", "Fill this in.")

    def refuse(self, error: CampaignsError | AccountsError) -> None:
        """Show the sentence at its field, or above the form."""
        field = self.renamed.get(error.field, error.field)
        shown = field in self.fields and not self.fields[field].widget.is_hidden
        self.add_error(field if shown else None, error.message)


class LinkForm(ConsoleForm):
    """A new link, or (with `link`) an edit of one: the code of a link never changes."""

    destination = forms.CharField(
        label="Destination",
        max_length=20_000,  # the sentence about what is too long comes from check_destination
        help_text="Where a scan leads: a web address with http or https.",
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
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, campaigns: Iterable[Campaign], link: Link | None = None, **kwargs: Any
    ) -> None:
        if link is not None:
            kwargs["initial"] = {
                "destination": link.destination,
                "title": link.title,
                "campaign": link.campaign_id,
                "starts_at": link.starts_at,
                "expires_at": link.expires_at,
                "version": link.version,
            } | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        campaign = self.fields["campaign"]
        campaign.choices = [("", "No campaign"), *((one.pk, one.name) for one in campaigns)]
        campaign.error_messages["invalid_choice"] = "There is no such campaign in this workspace."
        if link is not None:
            del self.fields["code"]

    def clean_destination(self) -> str:
        try:
            return check_destination(self.cleaned_data["destination"], own_hosts())
        except InvalidLink as error:
            raise forms.ValidationError(error.message) from None

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
        return self.cleaned_data

    def values(self) -> dict[str, Any]:
        """What the services take."""
        clean = self.cleaned_data
        names = ["destination", "title", "starts_at", "expires_at"]
        return {name: clean[name] for name in names} | {"campaign_id": clean["campaign"]}


class CampaignForm(ConsoleForm):
    name = forms.CharField(
        label="Name",
        max_length=80,
        error_messages={
            "required": "Give the campaign a name of 1 to 80 characters.",
            "max_length": "Give the campaign a name of 1 to 80 characters.",
        },
        widget=forms.TextInput(attrs={"placeholder": "Spring posters", "autocomplete": "off"}),
    )


class WorkspaceForm(ConsoleForm):
    name = forms.CharField(
        label="Name", max_length=500, error_messages={"required": "Give the workspace a name."}
    )
    time_zone = forms.ChoiceField(
        label="Time zone",
        help_text="Days and hours in charts, and the times that you type, are in this zone.",
        error_messages={"invalid_choice": "Choose a time zone from the list, such as Europe/Madrid."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
        self.fields["time_zone"].choices = [(zone, zone.replace("_", " ")) for zone in ["UTC", *zones]]


class InvitationForm(ConsoleForm):
    email = forms.CharField(
        label="E-mail address",
        max_length=254,
        error_messages={"required": "Give a complete e-mail address, such as ana@example.com."},
        widget=forms.EmailInput(attrs={"placeholder": "ana@example.com", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(label="Role", initial="editor")

    def __init__(self, *args: Any, by_role: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = roles_for(by_role)


def roles_for(role: str) -> list[tuple[str, str]]:
    """The roles that a member with `role` may give."""
    return [(key, label) for key, label in ROLE_CHOICES if manages(role, key)]


class KeyForm(ConsoleForm):
    name = forms.CharField(
        label="Name",
        max_length=500,
        help_text="Which program will use it?",
        error_messages={"required": "Give the key a name of 1 to 80 characters."},
        widget=forms.TextInput(attrs={"placeholder": "Web shop", "autocomplete": "off"}),
    )
    expires = forms.ChoiceField(
        label="Expires",
        initial="90",
        choices=[("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year"), ("never", "Never")],
    )
    scopes = forms.MultipleChoiceField(
        label="This key may",
        initial=[KeyScope.LINKS_READ.value, KeyScope.STATS_READ.value],
        choices=[
            (KeyScope.LINKS_READ.value, "read links"),
            (KeyScope.LINKS_WRITE.value, "create, change and delete links"),
            (KeyScope.STATS_READ.value, "read statistics"),
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one thing that the key may do."},
    )
    renamed = {"expires_at": "expires"}

    def expires_at(self) -> datetime | None:
        """The end of the chosen day, in the workspace's time zone."""
        days = self.cleaned_data["expires"]
        if days == "never":
            return None
        day = timezone.localdate() + timedelta(days=int(days))
        return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))

"""The forms of a workspace's short domains."""

from typing import Any

from django import forms

from control_plane.campaigns.domain_values import MAX_UPLOAD
from control_plane.campaigns.models import Domain
from control_plane.console.forms import ConsoleForm


class NewDomainForm(ConsoleForm):
    host = forms.CharField(
        label="Host name",
        max_length=300,
        help_text="A name below a domain of yours, for short links alone.",
        error_messages={"required": "Give a host name, such as go.example.com."},
        widget=forms.TextInput(
            attrs={
                "placeholder": "go.example.com",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "inputmode": "url",
            }
        ),
    )


def _address(label: str, help_text: str, placeholder: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=20_000,
        help_text=help_text,
        widget=forms.TextInput(
            attrs={
                "type": "url",
                "inputmode": "url",
                "placeholder": placeholder,
                "autocomplete": "off",
                "spellcheck": "false",
            }
        ),
    )


class DomainForm(ConsoleForm):
    """What a domain answers beside its links."""

    root_redirect = _address(
        "The domain itself leads to",
        "Who opens it without a code. Empty: a plain page.",
        "https://example.com/",
    )
    not_found_redirect = _address(
        "An unknown code leads to", "Empty: a page that says so.", "https://example.com/oops"
    )
    robots_txt = forms.CharField(
        label="robots.txt",
        required=False,
        help_text="Empty: search engines are asked to stay away.",
        widget=forms.Textarea(
            attrs={"rows": 4, "spellcheck": "false", "placeholder": "User-agent: *\nDisallow: /"}
        ),
    )
    icon = forms.FileField(
        label="Icon",
        required=False,
        help_text="PNG, JPEG, GIF or WebP of at most 1 MB. It is stored as a PNG of 64 by 64 pixels.",
        error_messages={"empty": "This file is empty.", "invalid": "Choose a file."},
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}),
    )
    remove_icon = forms.BooleanField(label="Remove the icon", required=False)
    apple_apps = forms.CharField(
        label="iPhone apps",
        required=False,
        max_length=20_000,
        help_text="One a line: team, dot, bundle. They open links of this domain by themselves.",
        widget=forms.Textarea(
            attrs={"rows": 2, "spellcheck": "false", "placeholder": "9JA89QQLNQ.com.example.shop"}
        ),
    )
    android_apps = forms.CharField(
        label="Android apps",
        required=False,
        max_length=20_000,
        help_text="One a line: package, space, SHA-256 fingerprint of its certificate.",
        widget=forms.Textarea(
            attrs={"rows": 2, "spellcheck": "false", "placeholder": "com.example.shop 14:6D:E9:83:C5:73…"}
        ),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    renamed = ConsoleForm.renamed | {"favicon": "icon"}

    def __init__(self, *args: Any, domain: Domain, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "root_redirect": domain.root_redirect,
            "not_found_redirect": domain.not_found_redirect,
            "robots_txt": domain.robots_txt,
            "apple_apps": "\n".join(domain.apple_apps),
            "android_apps": "\n".join(f"{one['package']} {one['sha256']}" for one in domain.android_apps),
            "version": domain.version,
        }
        super().__init__(*args, **kwargs)
        if not domain.favicon:
            del self.fields["remove_icon"]

    def clean_android_apps(self) -> list[dict[str, str]]:
        found = []
        for number, line in enumerate(_lines(self.cleaned_data["android_apps"]), start=1):
            package, _, digest = line.partition(" ")
            if not digest.strip():
                raise forms.ValidationError(f"Line {number}: write the package, a space and the fingerprint.")
            found.append({"package": package, "sha256": digest.strip()})
        return found

    def clean_apple_apps(self) -> list[str]:
        return _lines(self.cleaned_data["apple_apps"])

    def values(self) -> dict[str, Any]:
        """What the services take. An icon that is neither uploaded nor removed stays."""
        clean = self.cleaned_data
        names = ("root_redirect", "not_found_redirect", "robots_txt", "apple_apps", "android_apps")
        values = {name: clean[name] for name in names}
        for name in ("root_redirect", "not_found_redirect"):
            values[name] = values[name].strip()
        if clean["icon"]:
            values["favicon"] = clean["icon"].read(MAX_UPLOAD + 1)  # enough to be refused by
        elif clean.get("remove_icon"):
            values["favicon"] = b""
        return values


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]

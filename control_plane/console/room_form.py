"""The form of who is told when a zone fills."""

from django import forms

from control_plane.console.fields import line
from control_plane.console.forms import ConsoleForm
from control_plane.passes import alert_services

KINDS = {"mail": "Mail", "sms": "SMS", "chat": "Chat or webhook"}


class ContactForm(ConsoleForm):
    """The address is shown once, while it is typed: it may hold a secret."""

    name = line(
        "Who", most=80, required="Give the contact a name of 1 to 80 characters.", placeholder="Night shift"
    )
    kind = forms.ChoiceField(
        label="By",
        choices=list(KINDS.items()),
        error_messages={"invalid_choice": "Choose mail, SMS or chat."},
    )
    address = line(
        "Address",
        most=alert_services.MOST,
        required="Give the address to write to.",
        help_text="A mail address, or the address of a service as listed below.",
        placeholder="night.shift@example.com",
        spellcheck="false",
        autocapitalize="off",
    )

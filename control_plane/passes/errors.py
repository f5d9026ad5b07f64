"""What passes can refuse. `field` names the input at fault; the message is a sentence for people.

A pass that is not admitted is no error: it is a `reason.Reason`, with a row of its own.
"""


class PassesError(Exception):
    """This cannot be done."""

    field = ""

    def __init__(self, message: str = "", *, field: str = "") -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))
        self.field = field or self.field

    @property
    def message(self) -> str:
        return str(self)


class Invalid(PassesError):
    """`Invalid(field, message)`: this value cannot be used."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)


class NotFound(PassesError):
    """There is no such program, zone, gate, issuer, pass or device in this workspace."""


class NameTaken(PassesError):
    """This name is already in use here. Choose another one."""

    field = "name"


class InUse(PassesError):
    """This is still in use."""


class EditConflict(PassesError):
    """This has changed since you loaded it. Load it again, then make your change."""

    field = "version"


class QuotaUsedUp(PassesError):
    """This issuer has used up its quota."""

    field = "count"


class DeviceRefused(PassesError):
    """This device is not paired, or was removed. Pair it again with a code from the console."""


class NotAllowed(PassesError):
    """Only a supervisor's device may do this."""


class SeatRefused(PassesError):
    """This phone is not signed in, or was signed out. Ask the organiser for a new link."""


class TooManyGuesses(PassesError):
    """Too many wrong links came from where you are. Wait ten minutes, then open yours again."""

"""What accounts can refuse. `field` names the input at fault, "" where it is none in particular."""


class AccountsError(Exception):
    """This cannot be done."""

    field = ""

    def __init__(self, message: str = "", *, field: str = "") -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))
        self.field = field or self.field

    @property
    def message(self) -> str:
        return str(self)


class InvalidAccount(AccountsError):
    """This value cannot be used."""


class NotFound(AccountsError):
    """There is nothing here that you may see."""


class NotAllowed(AccountsError):
    """Your role does not allow this. Ask an owner or admin of the workspace."""


class LastOwner(AccountsError):
    """A workspace needs an owner. Make somebody else an owner first."""

    field = "role"


class AlreadyMember(AccountsError):
    """This person is already a member of the workspace."""

    field = "email"


class InvitationRefused(AccountsError):
    """This invitation is not valid any more. Ask for a new one."""


class KeyRefused(AccountsError):
    """This API key is unknown, expired or revoked. Create one in the workspace's settings."""


class ScopeError(RuntimeError):
    """A bug: tenant data was touched outside the scope of its workspace."""

"""What campaigns can refuse. `field` names the input at fault; the message is a sentence for people."""


class CampaignsError(Exception):
    """This cannot be done."""

    field = ""

    def __init__(self, message: str = "", *, field: str = "") -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))
        self.field = field or self.field

    @property
    def message(self) -> str:
        return str(self)


class InvalidLink(CampaignsError):
    """`InvalidLink(field, message)`: this value cannot be used."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)


class NewerRules(InvalidLink):
    """This link's rules were saved by a newer version of scanway, which this one cannot publish. Replace
    them, or update this server."""

    def __init__(self) -> None:
        super().__init__("rules", "")


class InvalidCampaign(CampaignsError):
    """`InvalidCampaign(field, message)`: this value cannot be used."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)


class InvalidDomain(CampaignsError):
    """`InvalidDomain(field, message)`: this value cannot be used."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)


class InvalidApps(CampaignsError):
    """`InvalidApps(field, message)`: this value cannot be used."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)


class DomainTaken(CampaignsError):
    """Another workspace has connected this domain already. Remove it there first, or ask whoever runs this
    server if it is yours."""

    field = "host"


class DomainInUse(CampaignsError):
    """Links still use this domain. Move or delete them first."""

    field = "host"


class NameTaken(CampaignsError):
    """Another link has this GS1 name on this domain already."""

    field = "gs1"


class CodeTaken(CampaignsError):
    """This code is already in use. Choose another one, or leave it empty for a random one."""

    field = "code"


class NotFound(CampaignsError):
    """There is no such link, campaign or domain in this workspace."""


class LinkBlocked(CampaignsError):
    """This link was blocked by the abuse desk and cannot be changed."""

    field = "state"


class EditConflict(CampaignsError):
    """This link has changed since you loaded it. Load it again, then make your change."""

    field = "version"


class InvalidCursor(CampaignsError):
    """This cursor is not one of ours. Start again without it."""

    field = "cursor"


class IdempotencyConflict(CampaignsError):
    """This Idempotency-Key was used for a different request. Use a new key for a new request."""

    field = "Idempotency-Key"


class StatsUnavailable(CampaignsError):
    """Statistics are not available right now; links keep working. Try again in a minute."""

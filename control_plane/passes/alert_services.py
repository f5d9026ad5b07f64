"""Where an alert may be sent: well-known services, each by its Apprise address, or any https webhook.

An address is typed by a member and opened by this server. So only services of this list are taken, an address
has only options of this list (others let Apprise read files), and the connection is watched: `alert_send`.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from control_plane.passes.errors import Invalid

MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Service:
    """example: what its address looks like."""

    name: str
    kind: str
    example: str


SERVICES: Final = {
    # SMS and calls
    "twilio": Service("Twilio", "sms", "twilio://AccountSID:AuthToken@+15551230000/+15557654321"),
    "vonage": Service("Vonage", "sms", "vonage://ApiKey:ApiSecret@+15551230000/+15557654321"),
    "sinch": Service("Sinch", "sms", "sinch://PlanID:Token@+15551230000/+15557654321"),
    "plivo": Service("Plivo", "sms", "plivo://AuthID@Token/+15551230000/+15557654321"),
    "clicksend": Service("ClickSend", "sms", "clicksend://user:ApiKey@+15557654321"),
    "msgbird": Service("MessageBird", "sms", "msgbird://ApiKey/+15551230000/+15557654321"),
    "seven": Service("seven", "sms", "seven://ApiKey/+15557654321"),
    "bulksms": Service("BulkSMS", "sms", "bulksms://user:password@+15557654321"),
    "elks": Service("46elks", "sms", "elks://user:password@+15557654321"),
    "d7sms": Service("D7 Networks", "sms", "d7sms://Token@+15557654321"),
    "httpsms": Service("httpSMS", "sms", "httpsms://ApiKey@+15551230000/+15557654321"),
    "voipms": Service("VoIP.ms", "sms", "voipms://password:you@example.com/15551230000/15557654321"),
    "sns": Service("Amazon SNS", "sms", "sns://AccessKeyID/AccessKeySecret/eu-central-1/+15557654321"),
    "whatsapp": Service("WhatsApp", "sms", "whatsapp://Token@FromPhoneID/+15557654321"),
    # Chat
    "slack": Service("Slack", "chat", "slack://TokenA/TokenB/TokenC"),
    "discord": Service("Discord", "chat", "discord://WebhookID/WebhookToken"),
    "tgram": Service("Telegram", "chat", "tgram://BotToken/ChatID"),
    "workflows": Service("Microsoft Teams", "chat", "workflows://host/workflow/signature"),
    "gchat": Service("Google Chat", "chat", "gchat://Workspace/Key/Token"),
    "wxteams": Service("Webex", "chat", "wxteams://Token"),
    "matrixs": Service("Matrix", "chat", "matrixs://user:password@matrix.example.com/#room"),
    "mmosts": Service("Mattermost", "chat", "mmosts://chat.example.com/Token"),
    "rockets": Service("Rocket.Chat", "chat", "rockets://user:password@chat.example.com/#channel"),
    "zulip": Service("Zulip", "chat", "zulip://bot@organisation/Token/stream"),
    "ntfys": Service("ntfy", "chat", "ntfys://ntfy.sh/topic"),
    "gotifys": Service("Gotify", "chat", "gotifys://push.example.com/Token"),
    "pover": Service("Pushover", "chat", "pover://UserKey@Token"),
    "pagerduty": Service("PagerDuty", "chat", "pagerduty://IntegrationKey@ApiKey"),
    "opsgenie": Service("Opsgenie", "chat", "opsgenie://ApiKey"),
    "https": Service("Webhook", "chat", "https://hooks.example.com/scanway"),
}
"""By the scheme of the address."""

ANYWHERE: Final = frozenset({"https", "matrixs", "mmosts", "rockets", "ntfys", "gotifys", "workflows"})
"""Schemes whose address names a host of the member's choice."""

OPTIONS: Final = frozenset(
    {
        "to", "from", "channel", "priority", "sound", "tags", "topic", "mode", "token", "thread", "threads",
        "silent", "image", "footer", "format", "avatar", "api-version", "sp", "sv", "sig", "id", "ver", "key",
        "secret", "region", "batch", "markdown",
    }
)  # fmt: skip
"""What may stand after the “?”. Not, among others, `template`: Apprise would read that file."""

_scheme = re.compile(r"([a-z0-9]+)://[^\s\x00-\x1f\x7f]+")
_mail = re.compile(r"[^@\s,;:<>\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z0-9-]{2,63}")


def check(kind: str, address: str, *, private: bool = False) -> str:
    """The address as it is kept. Raises Invalid(kind, address). Does not ask the network.

    With `private`, services that run anywhere may be reached without TLS: http://, ntfy:// and so on.
    """
    if kind not in ("mail", "sms", "chat"):
        raise Invalid("kind", "Choose one of: mail, sms, chat.")
    address = address.strip() if isinstance(address, str) else ""
    if not address or len(address) > MOST:
        raise Invalid("address", f"Give an address of at most {MOST} characters.")
    if kind == "mail":
        if not _mail.fullmatch(address):
            raise Invalid("address", "Give one mail address, such as night.shift@example.com.")
        return address
    found = _scheme.fullmatch(address)
    service = _service(found[1], private) if found else None
    if service is None or service.kind != kind:
        raise Invalid("address", f"Give the address of one of these services: {listed(kind)}.")
    if not _hostname(address):
        raise Invalid("address", f"This address is not complete. It looks like {service.example}.")
    parts = urlsplit(address)
    webhook = parts.scheme in ("https", "http")
    if webhook and parts.username is not None:
        raise Invalid("address", "A webhook's address holds no user name. Put its secret into the path.")
    if not webhook:
        for name, _ in parse_qsl(parts.query, keep_blank_values=True):
            if name.lower() not in OPTIONS:
                raise Invalid("address", f"The option “{name[:40]}” cannot be used here. Take it out.")
    return address


def _service(scheme: str, private: bool) -> Service | None:
    return SERVICES.get(scheme) or (SERVICES.get(f"{scheme}s") if private else None)


def _hostname(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def own_host(address: str) -> str:
    """The host that the address itself names; "" where the service is always at the same place."""
    scheme = address.partition("://")[0]
    return _hostname(address) if {scheme, f"{scheme}s"} & ANYWHERE else ""


def listed(kind: str) -> str:
    """The services, with what their addresses begin with."""
    return ", ".join(f"{one.name} ({scheme}://)" for scheme, one in SERVICES.items() if one.kind == kind)


def apprise_address(address: str) -> str:
    """A webhook's address in Apprise's form: what stands after the “?” goes to the webhook itself."""
    parts = urlsplit(address)
    if parts.scheme not in ("https", "http"):
        return address
    query = "&".join(
        f"-{quote(name, safe='')}={quote(value, safe='')}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    scheme = "jsons" if parts.scheme == "https" else "json"
    return f"{scheme}://{parts.netloc}{parts.path}" + (f"?{query}" if query else "")


def shown(kind: str, address: str) -> str:
    """What is shown of an address: enough to recognise it, none of its secrets."""
    if kind == "mail":
        name, _, host = address.partition("@")
        return f"{name[:2]}…@{host}"
    parts = urlsplit(address)
    service = _service(parts.scheme, private=True)
    name = service.name if service else parts.scheme
    if parts.scheme in ("https", "http"):
        return f"{name}, {parts.hostname}"
    last = unquote(parts.path.rstrip("/").rpartition("/")[2] or parts.netloc.rpartition("@")[2])
    return f"{name}, …{last[-3:]}" if kind == "sms" else name

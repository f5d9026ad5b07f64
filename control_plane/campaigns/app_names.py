"""By which names an app may be opened: schemes, some of which are no app's own, and Android packages."""

import re
from typing import Final

from control_plane.campaigns.draft import shown
from control_plane.campaigns.errors import InvalidApps

MAX_PACKAGE: Final = 255

# What opens something other than an app of the link's owner. A browser's scheme carries any address past the
# checks of destinations; a payment or a message is one tap away. Most have an https address for the same.
_REFUSED: Final = (
    # code, files, other sites, and the system's own
    "about android-app app-prefs blob cid chrome chrome-extension content data feed file filesystem ftp "
    "ftps gopher http intent itms-services jar javascript ldap ldaps livescript market mhtml mid mocha "
    "news nfs nntp prefs res resource rtsp sftp shortcuts smb ssh telnet urn vbscript view-source webcal "
    "ws wss x-apple-helpbasic "
    # browsers
    "brave chromium ddgquicklink dolphin firefox firefox-focus firefox-klar googlechrome "
    "googlechrome-x-callback googlechromes mibrowser microsoft-edge microsoft-edge-http "
    "microsoft-edge-https opera opera-http opera-https touch-http touch-https ucbrowser vivaldi "
    "x-safari-http x-safari-https x-web-search yandexbrowser-open-url "
    # payments
    "alipay alipayhk alipayqr alipays bhim bitcoin bitcoincash bitcoin-cash cashapp cashme credpay "
    "dogecoin ethereum gcash gpay lightning litecoin mbway monero payid payto paypal paytm paytmmp "
    "phonepe revolut solana squarecash swish tez tron twint upi venmo wc weixin wechat wxpay "
    # calls, messages and mail
    "callto discord facetime facetime-audio facetime-audio-prompt facetime-prompt fb-messenger "
    "googlegmail im imessage irc ircs kik line mailto messages mms mmsto ms-outlook msteams sgnl signal "
    "sip sips skype sms smsto tel telegram telprompt tg viber whatsapp xmpp zoommtg zoomus"
)
REFUSED_SCHEMES: Final = frozenset(_REFUSED.split())

_scheme = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,40})(?::|://)?")
_package = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+")


def check_app_scheme(text: str) -> str:
    """In lower case. `myapp:` and `myapp://` are taken for myapp. Raises InvalidApps(schemes, sentence)."""
    found = _scheme.fullmatch(text.strip())
    if found is None:
        raise InvalidApps(
            "schemes",
            f"{shown(text)} is not an app's scheme. Give what stands before ://, such as myapp: 2 to 41 "
            "letters, digits, +, . and -, a letter first.",
        )
    scheme = found[1].lower()
    if scheme == "https":
        raise InvalidApps(
            "schemes", "https addresses open apps without being listed. Give a scheme of your own app."
        )
    if scheme in REFUSED_SCHEMES:
        raise InvalidApps(
            "schemes",
            f"“{scheme}:” opens something other than an app of your own, so no rule may use it.",
        )
    return scheme


def is_package(text: str) -> bool:
    """Whether it can be the name of an Android package, such as com.example.app."""
    return len(text) <= MAX_PACKAGE and _package.fullmatch(text) is not None

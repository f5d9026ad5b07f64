"""allauth's questions about this installation."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from control_plane.proxies import client_ip

INVITATION_SESSION_KEY = "scanway_invitation"


class AccountAdapter(DefaultAccountAdapter):
    """Signing up is closed, unless SCANWAY_SIGNUP=open or the person came by an invitation."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.CONFIG.signup_open or bool(request.session.get(INVITATION_SESSION_KEY))

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request)

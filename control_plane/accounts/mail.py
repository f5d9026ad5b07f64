"""Mail where no server is named: said, but never shown. A password's reset link does not belong in a log."""

import logging
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

log = logging.getLogger("mail")


class Unsent(BaseEmailBackend):
    """Django's interface of a mail backend; sends nothing and returns 0."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for _ in email_messages:
            log.warning(
                "A mail was not sent, because there is no mail server: set SCANWAY_EMAIL_URL. A lost "
                "password is replaced by `scanway user password EMAIL`."
            )
        return 0

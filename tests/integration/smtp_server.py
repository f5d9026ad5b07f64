"""A mail server that speaks SMTP (RFC 5321) to whoever connects, and can be told to refuse."""

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any


@dataclass
class Mailbox:
    """What arrived, and what the server answers to which command: {"RCPT": "550 no such user"}."""

    port: int = 0
    mails: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    """(sender, recipients, mail) of each that was accepted."""
    refuse: dict[str, str] = field(default_factory=dict)
    drop_after_data: bool = False
    """The mail is accepted, and the line breaks before the server says so."""
    sessions: int = 0

    @property
    def url(self) -> str:
        return f"smtp+plain://127.0.0.1:{self.port}"


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    box = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            box.sessions += 1
            self.say("220 test.example ESMTP")
            sender, recipients = "", []
            while line := self.rfile.readline():
                command = line.decode("ascii", "replace").strip()
                verb = command.split(" ", 1)[0].upper()
                if verb in box.refuse:
                    self.say(box.refuse[verb])
                elif verb == "EHLO":
                    self.say("250-test.example\r\n250-8BITMIME\r\n250 SIZE 10000000")
                elif verb == "MAIL":
                    sender, recipients = _address(command), []
                    self.say("250 ok")
                elif verb == "RCPT":
                    recipients.append(_address(command))
                    self.say("250 ok")
                elif verb == "DATA":
                    self.say("354 go on")
                    body = b""
                    while (part := self.rfile.readline()) not in (b".\r\n", b""):
                        body += part[1:] if part.startswith(b"..") else part
                    if "BODY" in box.refuse:
                        self.say(box.refuse["BODY"])
                        continue
                    found: Any = email.message_from_bytes(body, policy=email.policy.default)
                    box.mails.append((sender, recipients, found))
                    if box.drop_after_data:
                        return
                    self.say("250 queued")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok" if verb in ("RSET", "NOOP") else "502 not known")

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()


def _address(command: str) -> str:
    return command.partition("<")[2].partition(">")[0]

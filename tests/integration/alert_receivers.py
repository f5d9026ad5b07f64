"""What alerts are sent to: a webhook and a mail server on this machine, speaking the real protocols."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Webhook:
    """got: the bodies, as they came. status: what it answers, by path; else 200. wait: before it does."""

    port: int = 0
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    status: dict[str, int] = field(default_factory=dict)
    location: str = ""
    wait: Callable[[], object] = lambda: None

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.got]


@contextmanager
def webhook() -> Iterator[Webhook]:
    made = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.got.append((self.path, body))
            made.wait()
            self.send_response(made.status.get(self.path, 200))
            if made.location:
                self.send_header("Location", made.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mailbox:
    port: int = 0
    mails: list[tuple[list[str], str]] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    made = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 here")
            to: list[str] = []
            for raw in self.rfile:
                line = raw.decode().strip()
                verb = line.upper()[:4]
                if verb == "RCPT":
                    to.append(line.partition(":")[2].strip("<> "))
                if verb == "DATA":
                    self.say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    made.mails.append((to, b"".join(lines).decode()))
                    to = []
                self.say("221 bye" if verb == "QUIT" else "250 fine")
                if verb == "QUIT":
                    return

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

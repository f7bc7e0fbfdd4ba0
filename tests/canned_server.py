"""A loopback HTTP server that answers with what it was given, byte for byte, and notes what it was sent."""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

STEP_S: Final = 30.0
"""Seconds after which a wait in the server is given up, so that a broken test fails instead of hanging."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it came: `path` with its query, headers in small letters, the body as JSON."""

    path: str
    headers: dict[str, str]
    body: Any
    connection: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Canned:
    """
    What a request is answered with.

    Attributes:
        raw: The bytes of the answer, its head included.
        then: What becomes of the connection: it is kept, cut, or left silent until the server closes.
    """

    raw: bytes
    then: str = field(default="keep")


def reply(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Canned:
    """Answer with JSON."""
    return text_reply(json.dumps(body), status=status, headers=headers)


def text_reply(
    text: str, *, status: int = 200, headers: dict[str, str] | None = None, kind: str = "application/json"
) -> Canned:
    """Answer with any text."""
    return Canned(raw=_head(len(text.encode()), status, {"content-type": kind} | (headers or {})) + text.encode())


def cut_reply(body: Any) -> Canned:
    """Answer with the first half of a body, and cut the connection."""
    text = json.dumps(body).encode()
    head = _head(len(text), 200, {"content-type": "application/json"})
    return Canned(raw=head + text[: len(text) // 2], then="cut")


HANG: Final = Canned(raw=b"", then="hang")
"""No answer at all."""

HANG_UP: Final = Canned(raw=b"", then="cut")
"""The connection is closed without an answer."""


def _head(length: int, status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Canned", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"content-length: {length}", "", ""]).encode()


class CannedServer:
    """
    The server. One answer per request, in order; the last one again and again.

    Attributes:
        requests: What it was sent, in order.
        url: Its address, without a path.
    """

    def __init__(self, *answers: Canned) -> None:
        self._answers = deque(answers)
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self.requests: list[Received] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def answer(self, *answers: Canned) -> None:
        """Answer with these from now on."""
        self._answers = deque(answers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection and end every thread."""
        self._closing.set()
        # A thread that waits in accept or recv is woken by shutdown, not by close.
        _shut(self._listener)
        self._listener.close()
        for each in list(self._connections):
            _shut(each)
        for thread in list(self._threads):
            thread.join(STEP_S)

    def _start(self, run: Any, *given: Any) -> None:
        thread = threading.Thread(target=run, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            # Head and body leave in one piece anyway; this is for whoever changes that: Nagle costs 40 ms.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            self._start(self._serve, connection, len(self._connections))

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection:
            try:
                while (received := _receive(connection, number)) is not None:
                    self.requests.append(received)
                    answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
                    connection.sendall(answer.raw)
                    if answer.then == "hang":
                        self._closing.wait(STEP_S)
                    if answer.then != "keep":
                        return
            except OSError:
                return


def _receive(connection: socket.socket, number: int) -> Received | None:
    """Read one request. None if the other side closed the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", 0))
    while len(body) < length:
        if not (more := connection.recv(65536)):
            return None
        body += more
    return Received(
        path=first.split(" ")[1], headers=headers, body=json.loads(body) if body else None, connection=number
    )


def _shut(each: socket.socket) -> None:
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It is closed already, or never was connected.
        return

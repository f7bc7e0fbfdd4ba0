"""
The loopback server: answers sent over HTTP, in a thread of its own or in the caller's.

What it uses of uvicorn beyond its documented interface (hence the cap on the version, "<1"):

* `uvicorn.protocols.http.h11_impl.H11Protocol`: its methods `connection_made` and `connection_lost` of asyncio, and its
  attribute `client`, by which a request is told its connection;
* `uvicorn.Server`: `shutdown`, which is called in the server's own thread, and the flag `should_exit`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.emulator._answering import Incoming
from pytest_codeact.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from uvicorn import Server

    from pytest_codeact.emulator._answering import Answer, Answering
    from pytest_codeact.emulator._faults import Fault

HOST: Final = "127.0.0.1"
"""Nobody else's machine may ask."""

SLOW_BYTES: Final = 16
SLOW_PAUSE_S: Final = 0.05
"""What the fault "slow" sends at a time, and the seconds after it, unless the order says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """
    The simulated speed of the model.

    Attributes:
        ttft_s: Seconds to the first token. 0 for at once.
        tokens_per_s: Output tokens per second from then on. 0 for all at once.
    """

    ttft_s: float = 0.0
    tokens_per_s: float = 0.0

    def seconds(self, output_tokens: float) -> float:
        """Give the seconds that so many tokens take, without those to the first."""
        return output_tokens / self.tokens_per_s if self.tokens_per_s else 0.0


class App:
    """
    The ASGI application.

    Args:
        answering: Answers requests.
        speed: How fast.

    Attributes:
        transports: The open connections, by the client's address.
    """

    def __init__(self, answering: Answering, speed: Speed) -> None:
        self._answering = answering
        self._speed = speed
        self.transports: dict[Any, asyncio.Transport] = {}

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Receive one request and send its answer."""
        parts = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            parts.append(message["body"])
            more = message.get("more_body", False)
        incoming = Incoming(
            method=scope["method"],
            path=scope["path"],
            headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
            body=b"".join(parts),
        )
        answer = self._answering.answer(incoming)
        transport = self.transports[tuple(scope["client"])]
        if await self._sent(answer, send, transport):
            return
        if answer.fault is not None and answer.fault.kind == "cut":
            transport.close()
        # Until the client has had enough, or the server closes.
        while (await receive())["type"] != "http.disconnect":
            pass

    def drop(self) -> None:
        """End all connections; called in the server's own thread."""
        for transport in list(self.transports.values()):
            transport.abort()

    async def _sent(self, answer: Answer, send: Callable[[Any], Awaitable[None]], transport: asyncio.Transport) -> bool:
        """Send an answer; says whether all of it was sent."""
        fault = answer.fault
        if fault is not None and fault.kind == "hang":
            return False
        headers = dict(answer.headers)
        length = len(answer.body)
        if answer.events is None:
            headers["content-length"] = str(length)
            await self._wait(
                self._speed.ttft_s * bool(answer.output_tokens) + self._speed.seconds(answer.output_tokens)
            )
        else:
            length = sum(len(event.text.encode("utf-8", "replace")) for event in answer.events)
            await self._wait(self._speed.ttft_s)
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            }
        )
        left = _allowance(fault, length)
        for body, wait_s in self._pieces(answer):
            await self._wait(wait_s)
            if transport.is_closing():
                # A client may leave in the middle of a stream.
                return False
            part = body[:left]
            left -= len(part)
            await _send_part(part, fault, send)
            if left == 0 and fault is not None and fault.kind == "cut":
                return False
        await send({"type": "http.response.body", "body": b""})
        return True

    def _pieces(self, answer: Answer) -> Iterator[tuple[bytes, float]]:
        """Give the pieces of a body, and the seconds before each."""
        if answer.events is None:
            yield answer.body, 0.0
            return
        shares = sum(event.share for event in answer.events) or 1
        for event in answer.events:
            wait_s = self._speed.seconds(answer.output_tokens * event.share / shares)
            yield event.text.encode("utf-8", "replace"), wait_s

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds)


def _allowance(fault: Fault | None, length: int) -> int:
    """Say how many bytes of a body are sent; of one that is cut, at least one is not."""
    if fault is None or fault.kind != "cut":
        return length + 1
    return min(int(fault.number("bytes", length // 2)), length - 1)


async def _send_part(part: bytes, fault: Fault | None, send: Callable[[Any], Awaitable[None]]) -> None:
    if fault is None or fault.kind != "slow":
        await send({"type": "http.response.body", "body": part, "more_body": True})
        return
    size = max(1, int(fault.number("bytes", SLOW_BYTES)))
    for at in range(0, len(part), size):
        await send({"type": "http.response.body", "body": part[at : at + size], "more_body": True})
        await asyncio.sleep(fault.number("pause", SLOW_PAUSE_S))


class LoopbackServer:
    """
    A server of an application on 127.0.0.1.

    It listens from the start; what comes before `start` or `run` waits.

    Args:
        app: The application.
        port: TCP port. 0 for any that is free.

    Raises:
        UnavailableError: The package uvicorn is not installed.
        OSError: The port is taken.
    """

    def __init__(self, app: App, port: int = 0) -> None:
        self._server = _server_of(app)
        # Of a protocol, so that asyncio switches Nagle's algorithm off: an answer goes out in two pieces.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((HOST, port))
            self._socket.listen(2048)
        except BaseException:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is: scheme, host and port."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Serve in a thread, until `close`."""
        self._thread = threading.Thread(target=self.run, name="codeact-emulator", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Serve in this thread, until `close` or, in the main thread, until SIGINT or SIGTERM."""
        self._server.run(sockets=[self._socket])

    def close(self) -> None:
        """Stop serving and wait until the thread has ended. May be called twice."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._socket.close()


def _server_of(app: App) -> Server:
    try:
        import uvicorn
        from uvicorn.protocols.http.h11_impl import H11Protocol
    except ImportError as error:
        raise UnavailableError(
            f"the package uvicorn cannot be imported ({error}); run: pip install 'pytest-codeact[emulator]'"
        ) from error

    class Connection(H11Protocol):
        """A connection that the application can end."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if self.client is not None:
                app.transports[tuple(self.client)] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self.client is not None:
                app.transports.pop(tuple(self.client), None)

    class DroppingServer(uvicorn.Server):
        """A server that waits for no client at its end."""

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.drop()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        loop="asyncio",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=300,
        timeout_graceful_shutdown=5,
    )
    return DroppingServer(config)

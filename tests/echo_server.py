"""A loopback server between SDKs and the emulator: where a prompt asks for it, it answers with what it was sent."""

from __future__ import annotations

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from canaries import BY_VALUE

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

MARKS: Final = ("ECHO-401", "ECHO-400", "ECHO-HTML")
"""Words in a request's body: it is answered with its own head, in an error as the vendors write it, or as a page."""


class EchoServer:
    """
    The server.

    Args:
        target: The address of the emulator, without a path.

    Attributes:
        url: Its own address, without a path.
    """

    def __init__(self, target: str) -> None:
        class Handler(_Handler):
            host = urlsplit(target).netloc

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    host = ""
    # Each answer ends its connection: no thread of the server outlives its request.
    protocol_version = "HTTP/1.0"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        head = f"{self.path} {dict(self.headers)}"
        mark = next((each for each in MARKS if each.encode() in body), "")
        if mark == "ECHO-HTML":
            self._answer(200, {"content-type": "text/html"}, f"<p>{head}".encode())
        elif mark:
            # Whoever shows the beginning of the second one cuts a key in the middle.
            said = head if mark == "ECHO-401" else f"{'x' * 290}{BY_VALUE['CANARY_TOKEN']} and more"
            code = int(mark[-3:])
            answer: Any = {"error": {"type": "echo", "message": said, "code": code, "status": "ECHO"}}
            self._answer(code, {"content-type": "application/json"}, json.dumps(answer).encode())
        else:
            connection = http.client.HTTPConnection(self.host, timeout=30)
            connection.request("POST", self.path.partition("?")[0], body, dict(self.headers))
            response = connection.getresponse()
            text = response.read()
            connection.close()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in _OWN}
            self._answer(response.status, kept, text)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


_OWN: Final = ("content-length", "connection", "transfer-encoding", "date", "server")

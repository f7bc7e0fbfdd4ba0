"""
Frames between the test process and the sandbox's process: 4 bytes of length, then a JSON object in ASCII.

Used on both sides, so it imports the standard library alone. The reader trusts nothing: the length is
checked before a byte of the body is read, the nesting before it is decoded, the deadline on every read.
"""

from __future__ import annotations

import json
import re
import select
import struct
import time
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

if TYPE_CHECKING:
    import socket

Message: TypeAlias = "dict[str, Any]"
"""A decoded frame. Its key "t" names its kind; nothing else of it is checked here."""

VALUE_DEPTH: Final = 64
"""Nesting allowed in one argument of a call."""

_FRAME_DEPTH: Final = VALUE_DEPTH + 4
"""Nesting allowed in a frame: an argument, the list it stands in, and the frame itself."""

_CHUNK_BYTES: Final = 64 * 2**10

_LENGTH: Final = struct.Struct(">I")

_TOKENS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


class ProtocolError(Exception):
    """The other side sent what is not a frame, or a frame that it must not send."""


class FrameTooLongError(Exception):
    """A message is longer than the other side accepts. Nothing of it was sent."""


class Channel:
    """
    One end of the connection.

    Args:
        connection: A connected stream socket; owned from now on.
        send_bytes: Longest body sent.
        receive_bytes: Longest body accepted.
    """

    __slots__ = ("_buffer", "_connection", "_receive_bytes", "_send_bytes", "sending")

    def __init__(self, connection: socket.socket, *, send_bytes: int, receive_bytes: int) -> None:
        self._connection = connection
        self._send_bytes = send_bytes
        self._receive_bytes = receive_bytes
        self._buffer = bytearray()
        self.sending = False

    def send(self, message: Message, timeout_s: float | None = None) -> None:
        """
        Send one frame, whole, with one write as far as the kernel takes it.

        Args:
            message: What to send.
            timeout_s: Seconds for the whole frame. None waits for ever.

        Raises:
            FrameTooLongError: The message is longer than `send_bytes`.
            TimeoutError: The other side does not read.
            EOFError: The other side is gone.
        """
        body = json.dumps(message, separators=(",", ":")).encode("ascii")
        if len(body) > self._send_bytes:
            raise FrameTooLongError(f"a message of {len(body)} bytes; allowed: {self._send_bytes}")
        self._connection.settimeout(_positive(timeout_s))
        self.sending = True
        try:
            self._connection.sendall(_LENGTH.pack(len(body)) + body)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EOFError("the other side is gone") from error
        finally:
            self.sending = False

    def receive(self, timeout_s: float | None = None) -> Message:
        """
        Give the next frame.

        Args:
            timeout_s: Seconds for the whole frame, however its bytes trickle in. None waits for ever.

        Raises:
            ProtocolError: What came is no frame.
            TimeoutError: The frame did not arrive in time.
            EOFError: The other side is gone.
        """
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        self._fill(_LENGTH.size, deadline_s)
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > self._receive_bytes:
            raise ProtocolError(f"a frame of {length} bytes; allowed: {self._receive_bytes}")
        self._fill(_LENGTH.size + length, deadline_s)
        body = bytes(self._buffer[_LENGTH.size : _LENGTH.size + length])
        del self._buffer[: _LENGTH.size + length]
        return _decode(body)

    def pending(self) -> bool:
        """Say whether anything came that `receive` has not given yet."""
        return bool(self._buffer) or bool(select.select([self._connection], [], [], 0)[0])

    def receive_raw(self, timeout_s: float) -> bytes:
        """
        Give every byte received and not given yet, frames or not, waiting for more if there are none.

        Raises:
            TimeoutError: None came in time.
            EOFError: The other side is gone.
        """
        if not self._buffer:
            self._fill(1, time.monotonic() + timeout_s)
        received = bytes(self._buffer)
        self._buffer.clear()
        return received

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _fill(self, wanted_bytes: int, deadline_s: float | None) -> None:
        while len(self._buffer) < wanted_bytes:
            self._connection.settimeout(None if deadline_s is None else _positive(deadline_s - time.monotonic()))
            try:
                chunk = self._connection.recv(_CHUNK_BYTES)
            except ConnectionResetError as error:
                raise EOFError("the other side is gone") from error
            if not chunk:
                raise EOFError("the other side is gone")
            self._buffer += chunk


def _positive(timeout_s: float | None) -> float | None:
    # A socket takes 0 for "do not block" and refuses less; a deadline that has passed is neither.
    return None if timeout_s is None else max(timeout_s, 0.0001)


def _decode(body: bytes) -> Message:
    try:
        text = body.decode("ascii")
        if _too_deep(text):
            raise ProtocolError(f"a frame nested deeper than {_FRAME_DEPTH}")
        message = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a frame that is not JSON: {error}") from error
    if type(message) is not dict:
        raise ProtocolError(f"a frame that is a {type(message).__name__}, not an object")
    return message


def _too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= _FRAME_DEPTH:
        return False
    depth = 0
    for match in _TOKENS.finditer(text):
        bracket = match[0]
        if bracket in "[{":
            depth += 1
            if depth > _FRAME_DEPTH:
                return True
        elif bracket in "]}":
            depth -= 1
    return False


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")

"""
Frames between the test process and the sandbox's process: 4 bytes of length, then a JSON object in ASCII.

Used on both sides, so it imports the standard library alone. The reader trusts nothing: the length is
checked before a byte of the body is read, the nesting before it is decoded, the deadline on every read.
"""

from __future__ import annotations

import json
import math
import re
import select
import struct
import time
from typing import Any, Final, NoReturn, Protocol, TypeAlias

Message: TypeAlias = "dict[str, Any]"
"""A decoded frame. Its key "t" names its kind; nothing else of it is checked here."""

_FRAME_NESTING: Final = 4
"""Containers around an argument in a frame, and some more: the list it stands in, and the frame itself."""

BRACKETS: Final = 200_000
"""
Opening brackets allowed in one frame, those in strings included: what makes a frame long to read is how many values it
holds. 200,000 are read in 0.3 s.
"""

_CHUNK_BYTES: Final = 64 * 2**10

_LENGTH: Final = struct.Struct(">I")

# A string that never ends is one token to the end: tried anew at each of its quotes it would cost their square.
_TOKENS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class ProtocolError(Exception):
    """The other side sent what is not a frame, or a frame that it must not send."""


class FrameTooLongError(Exception):
    """A message is longer than the other side accepts. Nothing of it was sent."""


class Connection(Protocol):
    """As much of a connected stream socket as a channel uses."""

    def settimeout(self, timeout_s: float | None, /) -> None:
        """Set the seconds that a call may take. None for ever."""
        ...

    def recv(self, most_bytes: int, /) -> bytes:
        """Give what came, at most so much. Empty if the other side is gone."""
        ...

    def sendall(self, frame: bytes, /) -> None:
        """Send the whole of a frame."""
        ...

    def fileno(self) -> int:
        """Give its descriptor."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Channel:
    """
    One end of the connection.

    Args:
        connection: A connected stream socket; owned from now on.
        send_bytes: Longest body sent.
        receive_bytes: Longest body accepted.
        nesting: Containers inside each other accepted in one argument of a call.

    Attributes:
        sending: Whether a frame is on its way: a signal handler must not send another in the middle of it.
    """

    __slots__ = ("_buffer", "_connection", "_depth", "_receive_bytes", "_send_bytes", "sending")

    def __init__(self, connection: Connection, *, send_bytes: int, receive_bytes: int, nesting: int = 64) -> None:
        self._connection = connection
        self._depth = nesting + _FRAME_NESTING
        self._send_bytes = send_bytes
        self._receive_bytes = receive_bytes
        self._buffer = bytearray()
        self.sending = False

    def send(self, message: Message, timeout_s: float | None = None, *, most_bytes: int | None = None) -> None:
        """
        Send one frame, whole, with one write as far as the kernel takes it.

        Args:
            message: What to send.
            timeout_s: Seconds for the whole frame. None waits for ever.
            most_bytes: Longest body of this frame. None for `send_bytes`.

        Raises:
            FrameTooLongError: The message is longer than it may be.
            TimeoutError: The other side does not read.
            EOFError: The other side is gone.
        """
        body = _ENCODER.encode(message).encode("ascii")
        allowed = self._send_bytes if most_bytes is None else most_bytes
        if len(body) > allowed:
            raise FrameTooLongError(f"a message of {len(body)} bytes; allowed: {allowed}")
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
        return _decode(body, self._depth)

    def pending(self) -> bool:
        """Say whether anything came that `receive` has not given yet, or the other side is gone."""
        if self._buffer:
            return True
        # Not `select`, which knows no descriptor from 1024 on.
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(0))

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


def _decode(body: bytes, depth: int) -> Message:
    try:
        text = body.decode("ascii")
        if (count := text.count("[") + text.count("{")) > BRACKETS:
            raise ProtocolError(f"a frame with {count} opening brackets; allowed: {BRACKETS}")
        if _too_deep(text, depth):
            raise ProtocolError(f"a frame nested deeper than {depth}")
        message = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a frame that is not JSON: {error}") from error
    if type(message) is not dict:
        raise ProtocolError(f"a frame that is a {type(message).__name__}, not an object")
    return message


def _too_deep(text: str, allowed: int) -> bool:
    if text.count("[") + text.count("{") <= allowed:
        return False
    depth = 0
    for match in _TOKENS.finditer(text):
        bracket = match[0]
        if bracket in "[{":
            depth += 1
            if depth > allowed:
                return True
        elif bracket in "]}":
            depth -= 1
    return False


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is beyond what a float holds")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Made once: `json.dumps` and `json.loads` make one for every message, which takes a tenth of a call's time.
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)

"""
The sandbox's end of the channel, by `read` and `write` alone: the calls that work on any socket are filtered.
"""

from __future__ import annotations

import os


class Pipe:
    """
    A connected socket as `_channel.Channel` uses one, which never times out.

    Args:
        descriptor: The socket.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def settimeout(self, _timeout_s: float | None) -> None:
        """Do nothing: this side waits for ever, and the other ends it when it likes."""

    def recv(self, most_bytes: int) -> bytes:
        """Give what came. Empty if the other side is gone."""
        return os.read(self._descriptor, most_bytes)

    def sendall(self, frame: bytes) -> None:
        """Send the whole of a frame."""
        sent = os.write(self._descriptor, frame)
        while sent < len(frame):
            sent += os.write(self._descriptor, memoryview(frame)[sent:])

    def fileno(self) -> int:
        """Give the descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Close the connection."""
        os.close(self._descriptor)

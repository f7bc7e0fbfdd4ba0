"""The frames between the test process and the sandbox's."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.runtimes._channel import Channel, FrameTooLongError, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def channels() -> Iterator[tuple[Channel, Channel]]:
    """Give the two ends of a connection."""
    one, other = (Channel(each, send_bytes=1000, receive_bytes=500) for each in socket.socketpair())
    yield one, other
    one.close()
    other.close()


def test_message_arrives_as_it_was_sent(channels: tuple[Channel, Channel]) -> None:
    """Lone surrogates included; two frames in one read are two messages."""
    one, other = channels
    one.send({"t": "a", "x": ["\ud800é\0", 1.5, None, {"k": True}]})
    one.send({"t": "b"})

    assert other.receive() == {"t": "a", "x": ["\ud800é\0", 1.5, None, {"k": True}]}
    assert other.pending()
    assert other.receive(1) == {"t": "b"}
    assert not other.pending()


def test_brackets_in_text_are_not_nesting(channels: tuple[Channel, Channel]) -> None:
    """Only real nesting counts."""
    one, other = channels
    text = '[{"\\' * 80
    one.send({"t": text})

    assert other.receive() == {"t": text}


def test_wide_message_is_not_deep(channels: tuple[Channel, Channel]) -> None:
    """Many lists beside each other are allowed."""
    one, other = channels
    one.send({"t": [[]] * 100})

    assert other.receive() == {"t": [[]] * 100}


def test_message_too_long_is_not_sent(channels: tuple[Channel, Channel]) -> None:
    """The sender keeps to the limit by itself, and nothing of the message is on its way."""
    one, other = channels

    with pytest.raises(FrameTooLongError, match=r"^a message of 1008 bytes; allowed: 1000$"):
        one.send({"t": "x" * 1000})
    assert not other.pending()


def test_message_too_long_is_not_read(channels: tuple[Channel, Channel]) -> None:
    """The reader looks at the length first."""
    one, other = channels
    one.send({"t": "x" * 600})

    with pytest.raises(ProtocolError, match=r"^a frame of 608 bytes; allowed: 500$"):
        other.receive()


def test_receive_has_a_deadline(channels: tuple[Channel, Channel]) -> None:
    """Silence ends in TimeoutError, a closed connection in EOFError."""
    one, other = channels

    with pytest.raises(TimeoutError):
        other.receive(0.01)
    one.close()
    with pytest.raises(EOFError):
        other.receive(1)


def test_send_has_a_deadline() -> None:
    """A side that never reads does not hold up the other."""
    one, other = socket.socketpair()
    channel = Channel(one, send_bytes=10**8, receive_bytes=10)

    with pytest.raises(TimeoutError):
        channel.send({"t": "x" * 10**7}, 0.05)
    other.close()
    with pytest.raises(EOFError):
        channel.send({"t": "x"}, 0.05)
    channel.close()

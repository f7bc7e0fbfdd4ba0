"""Text on its way out of the sandbox, and the frames that carry it."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.runtimes.restricted._channel import Channel, FrameTooLongError, ProtocolError
from pytest_codeact.runtimes.restricted._process import OwnTime, Watchdog
from pytest_codeact.runtimes.restricted._text import cut, escape, utf8_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize("limit_bytes", [80, 100, 101, 1000])
@pytest.mark.parametrize("text", ["x" * 5000, "é" * 3000, "😀" * 2000, "\ud800" * 2000])
def test_cut_keeps_to_the_limit(text: str, limit_bytes: int) -> None:
    """However wide its characters, a cut text with its note is no longer than allowed."""
    assert utf8_bytes(cut(text, limit_bytes)) <= limit_bytes


def test_cut_leaves_a_short_text_alone() -> None:
    """A text of exactly the limit is not cut."""
    assert cut("é" * 50, 100) == "é" * 50


def test_cut_says_how_much_is_missing() -> None:
    """The bytes kept and the bytes named add up."""
    shown = cut("a" * 600 + "z" * 400, 164)

    assert shown == "a" * 50 + "\n[... 900 bytes left out ...]\n" + "z" * 50


def test_escape_leaves_ordinary_text_alone() -> None:
    """Letters of any script, newlines and tabs are not control characters."""
    assert escape("a\tb\né😀") == "a\tb\né😀"


@pytest.mark.parametrize(
    "character", ["\0", "\x1b", "\r", "\x7f", "\x9b", chr(0xD800), chr(0xDFFF), "\ufffe", "\uffff"]
)
def test_escape_replaces_what_breaks_things(character: str) -> None:
    """A control character becomes its Python escape."""
    assert escape(f"a{character}b") == "a" + character.encode("unicode_escape").decode() + "b"


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


def test_own_time_stands_still_while_paused() -> None:
    """A pause costs nothing; the clock runs on where it stopped."""
    own_time = OwnTime(100)
    own_time.pause()
    before_s = own_time.remaining_s()

    assert before_s == own_time.remaining_s()
    own_time.resume()
    assert own_time.remaining_s() <= before_s


def test_watchdog_kills_without_the_reader() -> None:
    """Nobody else looks at the clock, and still the kill comes."""
    kills: list[float] = []
    watchdog = Watchdog(OwnTime(0.05), lambda: kills.append(time.monotonic()))
    with watchdog:
        watchdog._thread.join(10)

    assert len(kills) == 1


def test_watchdog_spares_a_paused_program() -> None:
    """A program whose tool takes long is not killed, and a program that is done neither."""
    kills: list[float] = []
    own_time = OwnTime(0.05)
    own_time.pause()
    watchdog = Watchdog(own_time, lambda: kills.append(time.monotonic()))
    with watchdog:
        watchdog._thread.join(0.7)

    assert kills == []

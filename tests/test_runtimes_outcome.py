"""The words for an end that a program did not choose."""

from __future__ import annotations

import pytest

from pytest_codeact.runtimes import Limits
from pytest_codeact.runtimes._outcome import RESTARTED, overlong, status_text


def test_program_of_exactly_the_limit_is_run() -> None:
    """UTF-8 bytes are counted, and lone surrogates among them; one more is an overrun."""
    limits = Limits(source_bytes=5)
    refused = overlong("é\ud800!", limits)

    assert overlong("é\ud800", limits) is None
    assert refused is not None
    assert (refused.status, refused.error) == (
        "limit",
        f"source limit of 5 bytes exceeded: the program is 6 bytes; write a shorter one\n{RESTARTED}",
    )


@pytest.mark.parametrize(
    ("status", "text"), [(0, "exit status 0"), (7, "exit status 7"), (-9, "SIGKILL"), (-99, "signal 99")]
)
def test_exit_status_is_put_in_words(status: int, text: str) -> None:
    """A signal is named, unless the system has no name for it."""
    assert status_text(status) == text

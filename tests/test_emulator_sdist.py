"""The anthropic SDK's own API tests pass against the emulator."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("uvicorn")

from sdk_sdist import MissingError, fetch, run

VARIABLE = "CODEACT_SDIST_DIR"
"""Names a directory in which the source distribution is kept from run to run."""


def test_sdks_own_tests_pass(tmp_path: Path) -> None:
    """Messages, token counts and models, beta variants too, sync and async, loose and strict."""
    directory = Path(os.environ.get(VARIABLE, tmp_path))
    try:
        source, packages = fetch(directory)
    except MissingError as error:
        pytest.skip(f"the anthropic SDK's source distribution cannot be had: {error}")
    counts = run(source, packages)

    assert counts.failed == 0, counts.output
    assert counts.passed > 200

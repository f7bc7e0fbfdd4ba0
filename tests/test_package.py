"""The public names of the package."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pytest_codeact


@pytest.mark.parametrize("name", pytest_codeact.__all__)
def test_public_name_can_be_imported(name: str) -> None:
    """Every name in __all__ is there."""
    assert getattr(pytest_codeact, name).__name__ == name


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that is not public says so as Python does."""
    with pytest.raises(AttributeError, match=r"^module 'pytest_codeact' has no attribute 'tol'$"):
        _ = pytest_codeact.tol


def test_import_alone_imports_no_part() -> None:
    """Importing the package costs nothing: its parts come with the first use."""
    script = "import sys, pytest_codeact; print([m for m in sys.modules if m.startswith('pytest_codeact.')])"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert printed.stdout == "[]\n"

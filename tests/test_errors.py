"""The exception tree."""

from __future__ import annotations

import pytest

from pytest_codeact import errors


def test_unknown_name_error_lists_the_known_names() -> None:
    """An unknown name's text says what was given, what is known and what to do."""
    error = errors.UnknownNameError("arm", "codex", ["direct", "code"], "register it")

    assert str(error) == "unknown arm 'codex'; known arms: 'code', 'direct'; register it"


def test_unknown_name_error_without_any_known_name() -> None:
    """With nothing registered the text says so."""
    assert str(errors.UnknownNameError("arm", "x", [])) == "unknown arm 'x'; known arms: none"


@pytest.mark.parametrize(
    ("name", "parent"),
    [
        ("ToolError", "CodeActError"),
        ("ScenarioError", "CodeActError"),
        ("SolutionError", "ScenarioError"),
        ("ProviderError", "CodeActError"),
        ("SandboxError", "CodeActError"),
        ("RecordError", "CodeActError"),
        ("RuleError", "CodeActError"),
        ("UnknownNameError", "CodeActError"),
        ("CodeActWarning", "UserWarning"),
    ],
)
def test_tree_is_as_the_docstring_draws_it(name: str, parent: str) -> None:
    """Every exception is in the drawing, under its parent."""
    assert [base.__name__ for base in getattr(errors, name).__bases__] == [parent]
    assert name in str(errors.__doc__)

"""
`str.format`, which reads attributes by itself: its fields are checked before it sees them.
"""

from __future__ import annotations

import _string  # type: ignore[import-not-found]  # what string.Formatter is made of; typeshed leaves it out
from types import BuiltinMethodType
from typing import Any, Final

from pytest_codeact.runtimes.restricted.child import names
from pytest_codeact.runtimes.restricted.child.kinds import DeniedAttributeError

RAW_FORMATS: Final = frozenset({"format", "format_map"})
"""The methods that read attributes."""


def checked_format(value: Any) -> Any:
    """Give `str.format` and `str.format_map`, however they were reached, in a form that checks the fields."""
    if value is str.format or value is str.format_map:

        def unbound(text: str, /, *arguments: Any, **keywords: Any) -> Any:
            if isinstance(text, str):
                _check_fields(text)
            return value(text, *arguments, **keywords)

        return unbound
    owner = value.__self__ if type(value) is BuiltinMethodType else None
    if isinstance(owner, str) and value.__name__ in RAW_FORMATS:

        def bound(*arguments: Any, **keywords: Any) -> Any:
            _check_fields(owner)
            return value(*arguments, **keywords)

        return bound
    return value


def _check_fields(text: str) -> None:
    """
    Refuse a field that reads an attribute which needs a guard, such as `{0.__class__}`.

    Raises:
        DeniedAttributeError: There is one.
        ValueError: The text is no format, as `str.format` says too.
    """
    for _, field, spec, _ in _string.formatter_parser(text):
        if field is None:
            continue
        for is_attribute, name in _string.formatter_field_name_split(field)[1]:
            if is_attribute and names.needs_guard(name):
                raise DeniedAttributeError(f"attribute {name!r} is not available in a format in the sandbox")
        if spec:
            _check_fields(spec)

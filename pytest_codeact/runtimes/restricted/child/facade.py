"""
A module as a program sees it: a fresh object that holds chosen names of the real one.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytest_codeact.runtimes.restricted.child.kinds import DeniedAttributeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Facade(ModuleType):
    """
    A module as a program sees it.

    Args:
        name: Its dotted name.
        held: What it holds, by name.
        real: Names of the real module, to tell one that is withheld from one that nobody has.
        unknown: Gives what a public name that it does not hold stands for. None if it is an error.
    """

    def __init__(
        self,
        name: str,
        held: Mapping[str, Any],
        real: Iterable[str],
        *,
        unknown: Callable[[str], Any] | None = None,
    ) -> None:
        super().__init__(name)
        withheld = {each for each in real if not each.startswith("_")} - held.keys()

        def missing(attribute: str) -> Any:
            if attribute in withheld:
                raise DeniedAttributeError(f"{attribute!r} of module {name!r} is not available in the sandbox")
            if unknown is not None and not attribute.startswith("_"):
                return unknown(attribute)
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}", name=attribute, obj=self)

        self.__dict__.update(held, __getattr__=missing)

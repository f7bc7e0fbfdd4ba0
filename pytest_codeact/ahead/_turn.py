"""
Which trials have to wait for their turn: those that something of the user's own comes before.

Of pytest are read, which it does not document: an item's `_fixtureinfo.name2fixturedefs`, and of a fixture's definition
`cached_result`, with the exception as its third part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.collection import misuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pytest

    from pytest_codeact.options import Settings

TRIAL_FIXTURE: Final = "codeact_trial"

_OURS: Final = "codeact_"
_SKIPPING_MARKS: Final = ("skip", "skipif", "xfail")
_SKIPPING_HOOKS: Final = ("pytest_runtest_setup", "pytest_runtest_protocol", "pytest_fixture_setup")
_NEVER_SKIP: Final = frozenset(
    {
        *("_pytest", "pytest_codeact", "xdist", "pytest_benchmark", "syrupy"),
        # They wrap tests and set up fixtures of their own; an SDK brings the first of them along.
        *("anyio", "pytest_asyncio", "pytest_cov", "pytest_rerunfailures", "pytest_timeout"),
    }
)
"""Packages whose hooks do not keep a test from its trial."""

_XUNIT: Final = "_xunit_setup"
"""Begins the name of a fixture by which pytest runs the user's setup_module, setup_method and the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """
    Why a trial has to wait for its turn.

    Attributes:
        text: The reason, as the end of a sentence.
        lasts: Whether it will still hold then.
    """

    text: str
    lasts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surroundings:
    """
    What all items of one test function share.

    Attributes:
        reason: Why all of them have to wait. None if there is no such reason.
        session_fixtures: The user's fixtures of the session that come before the trial, in order.
    """

    reason: Reason | None
    session_fixtures: Sequence[pytest.FixtureDef[Any]] = ()


class TurnRules:
    """
    Tells which trials have to wait for their turn.

    Args:
        config: The session's.
        settings: What the user asked for.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._settings = settings
        plugins = [plugin for plugin, _ in config.pluginmanager.list_plugin_distinfo()]
        self._installed = {"_pytest", "pytest_codeact", *map(_top_package, plugins)}
        # By identity of what the items of a function share; they live as long as the session.
        self._known: dict[int, _Surroundings] = {}

    def reason(self, item: pytest.Item) -> Reason | None:
        """Say why an item's trial has to wait for its turn. None if it need not."""
        if misuse(item, self._settings):
            return Reason(text="it is refused")
        for mark in item.iter_markers():
            if mark.name in _SKIPPING_MARKS:
                return Reason(text=f"its mark {mark.name} may skip it")
        shared = getattr(item, "_fixtureinfo", None)
        if shared is None:
            return Reason(text="pytest does not say which fixtures it uses")
        surroundings = self._known.get(id(shared))
        if surroundings is None:
            surroundings = self._known[id(shared)] = self._survey(item, shared.name2fixturedefs)
        return surroundings.reason or _not_set_up(surroundings.session_fixtures)

    def _survey(self, item: pytest.Item, fixtures: Mapping[str, Sequence[pytest.FixtureDef[Any]]]) -> _Surroundings:
        names: Sequence[str] = item.fixturenames  # type: ignore[attr-defined]  # items of functions have them
        if TRIAL_FIXTURE not in names:
            return _Surroundings(reason=Reason(text=f"it does not use {TRIAL_FIXTURE}"))
        for name in names:
            if name.startswith(_OURS) and any(map(self._is_users, fixtures.get(name, ()))):
                return _Surroundings(reason=Reason(text=f"its fixture {name} is overridden"))
        before = [fixture for fixture in _before_trial(names, fixtures) if self._is_users(fixture)]
        for fixture in before:
            if fixture.argname.startswith(_XUNIT):
                return _Surroundings(reason=Reason(text="a setup function of its module or class runs before it"))
            if fixture.scope != "session" or fixture.params:
                text = f"the fixture {fixture.argname} is set up before {TRIAL_FIXTURE}"
                return _Surroundings(reason=Reason(text=text))
        for hook in _SKIPPING_HOOKS:
            for implementation in getattr(item.ihook, hook).get_hookimpls():
                package = _top_package(implementation.plugin)
                if package not in _NEVER_SKIP:
                    whose = f"of {package}" if package in self._installed else "of the project's"
                    return _Surroundings(reason=Reason(text=f"a hook {hook} {whose} may skip it"))
        return _Surroundings(reason=None, session_fixtures=before)

    def _is_users(self, fixture: pytest.FixtureDef[Any]) -> bool:
        module = str(getattr(fixture.func, "__module__", ""))
        return module.partition(".")[0] not in self._installed or fixture.argname.startswith(_XUNIT)


def _before_trial(
    names: Sequence[str], fixtures: Mapping[str, Sequence[pytest.FixtureDef[Any]]]
) -> list[pytest.FixtureDef[Any]]:
    """Give the fixtures that are set up before the trial is run, in the order in which pytest does it."""
    done: dict[str, pytest.FixtureDef[Any] | None] = {}

    def set_up(name: str) -> Iterator[pytest.FixtureDef[Any]]:
        if name in done or TRIAL_FIXTURE in done:
            return
        definition = fixtures[name][-1] if fixtures.get(name) else None
        for argument in definition.argnames if definition else ():
            yield from set_up(argument)
        done[name] = definition
        if definition:
            yield definition

    return [definition for name in names for definition in set_up(name)]


def _not_set_up(fixtures: Sequence[pytest.FixtureDef[Any]]) -> Reason | None:
    """Session fixtures that are set up stay so: what comes after them need not wait for them."""
    for fixture in fixtures:
        if fixture.cached_result is None or fixture.cached_result[2] is not None:
            return Reason(text=f"the fixture {fixture.argname} was not set up yet", lasts=False)
    return None


def _top_package(plugin: object) -> str:
    """Name the top-level package that a plugin comes from, be it a module or an object."""
    return str(getattr(plugin, "__name__", type(plugin).__module__)).partition(".")[0]

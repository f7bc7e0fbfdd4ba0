"""
What the pytest side of one process shares: the settings, the registry, the scenarios and the running sandboxes.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.deadline import Lane
from pytest_codeact.errors import RuleError, UnknownNameError
from pytest_codeact.gate import Rule
from pytest_codeact.options import CONTROL, Settings, read_settings, source_of
from pytest_codeact.registry import Registry
from pytest_codeact.resume import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pytest_codeact.arms import Arm
    from pytest_codeact.journal import Journal
    from pytest_codeact.runtimes import Runtime

_KEY: pytest.StashKey[Kit] = pytest.StashKey()


class Kit:
    """
    The tools of the plugin's trade, one per process. Get it with `Kit.of`.

    Attributes:
        settings: What the user asked for.
        registry: What can be named.
        journal: Where finished trials are written down.
        rules: The rules of the gate that are for every scenario.
        lane: Where the trials run that wait for their turn. Those that run ahead have lanes of their own.
    """

    def __init__(self, settings: Settings, registry: Registry, journal: Journal) -> None:
        self.settings = settings
        self.registry = registry
        self.rules: tuple[Rule, ...] = ()
        self.lane = Lane()
        self.journal = journal
        self._runtime: Runtime | None = None
        self._starting = threading.Lock()

    @classmethod
    def of(cls, config: pytest.Config) -> Kit:
        """
        Give the process's kit; the first call makes it and asks every plugin to register what it has.

        Raises:
            pytest.UsageError: An option cannot be read, names what nobody registered, or asks to go on with a run
                that cannot be.
        """
        kit = config.stash.get(_KEY, None)
        if kit is None:
            registry = Registry()
            try:
                config.hook.pytest_codeact_register(registry=registry)
            except ValueError as error:
                raise pytest.UsageError(f"pytest_codeact_register: {error}") from error
            settings, journal = begin(config, read_settings(config))
            kit = config.stash[_KEY] = cls(settings, registry, journal)
            kit.check_names()
            config.add_cleanup(kit.close)
        return kit

    @classmethod
    def get(cls, config: pytest.Config) -> Kit | None:
        """Give the process's kit. None if nothing has asked for it yet."""
        return config.stash.get(_KEY, None)

    def check_names(self) -> None:
        """
        Look up every name that the settings hold, and read the rules of the gate.

        Raises:
            pytest.UsageError: One is unknown, and the text lists the known ones; or a rule cannot be read.
        """
        settings, registry = self.settings, self.registry
        lookups: Mapping[str, tuple[Callable[[str], object], Iterable[str]]] = {
            "arms": (registry.arm, settings.arms),
            "models": (registry.provider, settings.models),
            "metrics": (registry.metric, settings.metrics),
            "sandbox": (registry.runtime, (settings.sandbox,)),
        }
        for field, (look_up, names) in lookups.items():
            with self._blaming(field):
                for name in names:
                    look_up(name)
        if settings.control and CONTROL in registry.arms:
            source = source_of(settings, "control")
            raise pytest.UsageError(f"{source}: an arm {CONTROL!r} is registered already; give that arm another name")
        with self._blaming("fail"):
            self.rules = tuple(Rule.parse(text, registry.metrics) for text in settings.fail)

    @contextmanager
    def _blaming(self, field: str) -> Iterator[None]:
        """Make an error of a name or rule one of the option that holds it."""
        try:
            yield
        except (UnknownNameError, RuleError) as error:
            raise pytest.UsageError(f"{source_of(self.settings, field)}: {error}") from error

    def arm(self, name: str) -> Arm:
        """
        Make an arm for one trial.

        Args:
            name: That of a registered arm, or of the control, which is the base arm again.
        """
        is_control = self.settings.control and name == CONTROL
        return self.registry.arm(self.settings.base_arm if is_control else name)()

    @property
    def plan_line(self) -> str:
        """What a run with these settings does."""
        settings = self.settings
        models = ", ".join("reference policy (no LLM)" if m == "reference" else m for m in settings.models)
        trials = f", {settings.trials} trials each" if settings.trials > 1 else ""
        arms = [*settings.arms, f"{CONTROL} ({settings.base_arm} again)"] if settings.control else settings.arms
        return f"codeact: arms {', '.join(arms)}; model {models}{trials}; sandbox {settings.sandbox}"

    def runtime(self) -> Runtime:
        """Give the runtime for code actions; the first call makes it, and it lives as long as the process."""
        with self._starting:
            if self._runtime is None:
                self._runtime = self.registry.runtime(self.settings.sandbox)()
            return self._runtime

    def close(self) -> None:
        """End the lane, and the runtime if one was made."""
        self.lane.close()
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None

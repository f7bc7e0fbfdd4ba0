"""
What the pytest side of one process shares: the settings, the registry, the scenarios and the running sandboxes.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_codeact.deadline import Lane
from pytest_codeact.errors import ChoiceError, RuleError, SandboxError, UnknownNameError
from pytest_codeact.gate import Rule
from pytest_codeact.modes import described, with_mode, with_models
from pytest_codeact.options import CONTROL, Settings, read_settings, source_of
from pytest_codeact.providers import Connections
from pytest_codeact.redaction import Redactor, Secrets
from pytest_codeact.registry import Registry
from pytest_codeact.resume import began_s, begin
from pytest_codeact.runtimes import LEVELS, confinement_of

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
        connections: The SDK clients that the process's trials share.
        environment: The environment variables, in which providers find their keys.
        cassettes: The directory of the recordings.
        began_s: When the session began, by the machine's monotonic clock.
        replaced: The live models that the reference model stands in for; in a worker always empty.
        secrets: What must leave the process in no text.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        journal: Journal,
        *,
        cassettes: Path = Path("cassettes"),
        secrets: Secrets | None = None,
    ) -> None:
        self.settings = settings
        self.registry = registry
        self.rules: tuple[Rule, ...] = ()
        self.lane = Lane()
        self.connections = Connections()
        self.environment: Mapping[str, str] = os.environ
        self.journal = journal
        self.cassettes = cassettes
        self.began_s = time.monotonic()
        self.replaced: tuple[str, ...] = ()
        self.secrets = secrets or Secrets(self.environment)
        self._runtimes: dict[str, Runtime] = {}
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
            asked = read_settings(config)
            with _blaming(asked, "sandbox"):
                # Complete, and in one order: the journal compares what was chosen, not how it was written.
                asked = replace(asked, sandbox=tuple(registry.runtimes(asked.sandbox).values()))
            secrets = Secrets(os.environ, named=asked.secrets, addresses=asked.base_urls)
            settings, journal = begin(config, with_mode(asked), secrets)
            kit = config.stash[_KEY] = cls(
                settings, registry, journal, cassettes=config.rootpath / settings.cassettes, secrets=secrets
            )
            kit.began_s = began_s(config)
            kit.check_names()
            kit.settings, kit.replaced = with_models(config, settings, registry, kit.cassettes)
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
            pytest.UsageError: One is unknown, and the text lists the known ones; a rule cannot be read; or recordings
                cannot be where they are to be.
        """
        settings, registry = self.settings, self.registry
        lookups: Mapping[str, tuple[Callable[[Any], object], Iterable[object]]] = {
            "arms": (registry.arm, settings.arms),
            "models": (registry.provider, settings.models),
            # A slip in a name would send the key to the vendor's own address.
            "base_urls": (registry.is_live, filter(None, settings.base_urls)),
            "metrics": (registry.metric, settings.metrics),
            "sandbox": (registry.runtimes, (settings.sandbox,)),
        }
        for field, (look_up, names) in lookups.items():
            with _blaming(settings, field):
                for name in names:
                    look_up(name)
        if settings.control and CONTROL in registry.arms:
            source = source_of(settings, "control")
            raise pytest.UsageError(f"{source}: an arm {CONTROL!r} is registered already; give that arm another name")
        if self.cassettes.exists() and not self.cassettes.is_dir() and any(map(registry.is_live, settings.models)):
            raise pytest.UsageError(
                f"{source_of(settings, 'cassettes')}: {settings.cassettes!r} is no directory; name that of the "
                "recordings, or one that is to be made"
            )
        with _blaming(settings, "fail"):
            self.rules = tuple(Rule.parse(text, registry.metrics) for text in settings.fail)

    def arm(self, name: str) -> Arm:
        """
        Make an arm for one trial.

        Args:
            name: That of a registered arm, or of the control, which is the base arm again.
        """
        is_control = self.settings.control and name == CONTROL
        return self.registry.arm(self.settings.base_arm if is_control else name)()

    @property
    def redactor(self) -> Redactor:
        """What takes secrets out of texts. Ask for it anew each time: variables may have come since."""
        return self.secrets.redactor

    @property
    def plan_line(self) -> str:
        """What a run with these settings does."""
        settings = self.settings
        models = described(settings, self.registry)
        models += f" in place of {', '.join(self.replaced)}, which must not be asked" if self.replaced else ""
        trials = f", {settings.trials} trials each" if settings.trials > 1 else ""
        arms = [*settings.arms, f"{CONTROL} ({settings.base_arm} again)"] if settings.control else settings.arms
        sandbox = f"; sandbox {', '.join(used)}" if (used := self.used_runtimes) else ""
        return f"codeact: arms {', '.join(arms)}; model {models}{trials}{sandbox}"

    @property
    def used_runtimes(self) -> tuple[str, ...]:
        """Names of the runtimes of the run's arms, in the order of the arms, where no scenario chooses another."""
        chosen = self.registry.runtimes(self.settings.sandbox)
        languages = dict.fromkeys(map(self.registry.language, self.settings.arms))
        return tuple(chosen[language] for language in languages if language in chosen)

    def runtime_names(self, arm: str, own: Iterable[str]) -> tuple[str, ...]:
        """
        Name the runtimes of an arm's programs; none for an arm that runs none.

        Args:
            arm: Name of the arm.
            own: Names of the runtimes that the scenario itself chooses.
        """
        is_control = self.settings.control and arm == CONTROL
        language = self.registry.language(self.settings.base_arm if is_control else arm)
        chosen = self.registry.runtimes(self.settings.sandbox, own)
        return (chosen[language],) if language in chosen else ()

    def runtime_for(self, own: Iterable[str], language: str) -> Runtime:
        """
        Give the runtime in which a scenario's programs run.

        Args:
            own: Names of the runtimes that the scenario itself chooses.
            language: What the programs are written in.

        Raises:
            SandboxError: There is none for the language.
        """
        chosen = self.registry.runtimes(self.settings.sandbox, own)
        if language not in chosen:
            raise SandboxError(
                f"the arm writes {language} and no sandbox runs it; "
                "name one that does with --codeact-sandbox, or choose another arm"
            )
        return self.runtime(chosen[language])

    def runtime(self, name: str) -> Runtime:
        """
        Give a runtime for code actions; the first call makes it, and it lives as long as the process.

        Raises:
            SandboxError: It cannot run here, or holds programs less well than was asked for.
        """
        with self._starting:
            if name not in self._runtimes:
                self._runtimes[name] = self.registry.runtime(name)()
            made = self._runtimes[name]
        if problem := self._below_min(name, made):
            raise SandboxError(problem)
        return made

    def _below_min(self, name: str, runtime: Runtime) -> str:
        least = self.settings.sandbox_min
        if least == LEVELS[-1] or (held := confinement_of(runtime)).level <= least:
            return ""
        missing = f"; missing: {'; '.join(held.missing)}" if held.missing else ""
        return (
            f"the sandbox {name!r} holds programs at level {held.level} here, and "
            f"{source_of(self.settings, 'sandbox_min')} asks for {least}{missing}; "
            "docs/sandbox.md says what each level needs; provide that, choose another sandbox, or ask for less"
        )

    def refused_runtimes(self, names: Iterable[str]) -> list[str]:
        """Say which of these runtimes hold programs less well than was asked for, a sentence each."""
        if self.settings.sandbox_min == LEVELS[-1]:
            return []
        found = []
        for name in names:
            try:
                self.runtime(name)
            except SandboxError as error:
                found.append(str(error))
        return found

    def sandbox_lines(self, names: Iterable[str]) -> list[str]:
        """Say how these runtimes hold programs on this machine, a line each and one for what is missing."""
        found = []
        for name in names:
            try:
                held = confinement_of(self.runtime(name))
            except SandboxError as error:
                found.append(f"codeact: sandbox {name} cannot run here: {error}")
                continue
            layers = f": {', '.join(held.layers)}" if held.layers else ""
            found.append(f"codeact: sandbox {name}, level {held.level}{layers}")
            found += [f"codeact: sandbox {name} lacks {each}" for each in held.missing]
        return found

    def close(self) -> None:
        """End the lane, every connection and every runtime that was made."""
        self.lane.close()
        self.connections.close()
        while self._runtimes:
            self._runtimes.popitem()[1].close()


@contextmanager
def _blaming(settings: Settings, field: str) -> Iterator[None]:
    """Make an error of a name or rule one of the option that holds it."""
    try:
        yield
    except (UnknownNameError, RuleError, ChoiceError) as error:
        raise pytest.UsageError(f"{source_of(settings, field)}: {error}") from error

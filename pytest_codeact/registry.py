"""
Names and what stands behind them: arms, providers, runtimes, metrics. Built-ins come in by the same door as
third parties: the hook `pytest_codeact_register(registry)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from pytest_codeact.errors import ChoiceError, UnknownNameError
from pytest_codeact.measure import METRICS, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from pytest_codeact.arms import Arm, ArmFactory
    from pytest_codeact.providers import ModelContext, Provider, ProviderFactory
    from pytest_codeact.runtimes import Runtime, RuntimeFactory

T = TypeVar("T")

DEFAULT_RUNTIMES: Final[Mapping[str, str]] = MappingProxyType({"python": "restricted", "typescript": "deno"})
"""Per language, the runtime where none is chosen."""

LIVE_PROVIDERS: Final = ("anthropic", "mistral", "openai", "google")
"""Names of the vendors' providers, which are the names of their modules."""

_ADVICE: Final = "register others with the hook pytest_codeact_register"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    """What `Registry.add_provider` was given."""

    factory: ProviderFactory
    models: Callable[[], Collection[str]] | None
    live: bool


class _Names(Generic[T]):
    """The registered names of one kind."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> None:
        if not name or not all(part.isalnum() for part in name.replace("_", "-").split("-")):
            raise ValueError(
                f"bad {self._kind} name {name!r}; allowed: letters and digits, with single '-' or '_' between"
            )
        if name in self._entries:
            raise ValueError(f"{self._kind} {name!r} is already registered; choose another name")
        self._entries[name] = entry

    def get(self, name: str) -> T:
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownNameError(self._kind, name, self._entries, _ADVICE) from None

    def all(self) -> Mapping[str, T]:
        return MappingProxyType(self._entries)


class Registry:
    """
    What can be named on the command line.

    A factory is called once per trial for arms and providers, once per process for runtimes; it should import
    what it needs inside.
    """

    def __init__(self) -> None:
        self._arms: _Names[tuple[ArmFactory, str | None]] = _Names("arm")
        self._providers: _Names[_Provider] = _Names("provider")
        self._runtimes: _Names[tuple[RuntimeFactory, str]] = _Names("runtime")
        self._metrics: _Names[Metric] = _Names("metric")

    def add_arm(self, name: str, factory: ArmFactory, *, language: str | None = None) -> None:
        """
        Register an arm.

        Args:
            name: Its name.
            factory: Makes it.
            language: What its programs are written in, for the line that says what a run does. None if it runs none.

        Raises:
            ValueError: The name is taken or not made of letters, digits, '-' and '_'.
        """
        self._arms.add(name, (factory, language))

    def add_provider(
        self,
        name: str,
        factory: ProviderFactory,
        *,
        models: Callable[[], Collection[str]] | None = None,
        live: bool = False,
    ) -> None:
        """
        Register a provider; models are named NAME/MODEL.

        Args:
            name: Its name.
            factory: Makes its client.
            models: Gives every MODEL there is, "" for the name alone. None if only the vendor knows; a live provider is
                then never named alone.
            live: Whether asking it costs money or goes over a network. Then its requests are asked for by
                `--codeact-mode`, recorded, sent again when they fail, priced and kept within the run's budget.

        Raises:
            ValueError: As for `add_arm`.
        """
        self._providers.add(name, _Provider(factory=factory, models=models, live=live))

    def add_runtime(self, name: str, factory: RuntimeFactory, *, language: str = "python") -> None:
        """
        Register a runtime for code actions.

        Args:
            name: Its name.
            factory: Makes it.
            language: What its programs are written in: the `language` of what the factory makes.

        Raises:
            ValueError: As for `add_arm`.
        """
        self._runtimes.add(name, (factory, language))

    def add_metric(self, metric: Metric) -> None:
        """
        Register a metric under its own name.

        Raises:
            ValueError: As for `add_arm`.
        """
        self._metrics.add(metric.name, metric)

    def arm(self, name: str) -> ArmFactory:
        """
        Look an arm up.

        Raises:
            UnknownNameError: Nobody registered it.
        """
        return self._arms.get(name)[0]

    def language(self, arm: str) -> str | None:
        """
        Say what an arm's programs are written in. None if it runs none.

        Raises:
            UnknownNameError: Nobody registered it.
        """
        return self._arms.get(arm)[1]

    def provider(self, model: str) -> tuple[ProviderFactory, str]:
        """
        Look up the provider of a model.

        Args:
            model: PROVIDER/MODEL, or PROVIDER alone.

        Returns:
            The factory, and what follows the first slash ("" if there is none).

        Raises:
            UnknownNameError: Nobody registered the provider, or it knows its models and this is none.
            ChoiceError: No model of a live provider is named.
        """
        provider, _, rest = model.partition("/")
        found = self._providers.get(provider)
        if found.models is not None and rest not in (known := found.models()):
            raise UnknownNameError("model", model, (f"{provider}/{each}" if each else provider for each in known))
        if found.models is None and found.live and not rest:
            raise ChoiceError(
                f"no model of {provider!r} is named; got {model!r}, expected PROVIDER/MODEL, for example "
                "anthropic/claude-haiku-4-5"
            )
        return found.factory, rest

    def is_live(self, model: str) -> bool:
        """
        Tell whether asking a model costs money or goes over a network.

        Raises:
            UnknownNameError: Nobody registered its provider.
        """
        return self._providers.get(model.partition("/")[0]).live

    def runtime(self, name: str) -> RuntimeFactory:
        """
        Look a runtime up.

        Raises:
            UnknownNameError: Nobody registered it.
        """
        return self._runtimes.get(name)[0]

    def runtimes(self, *choices: Iterable[str]) -> dict[str, str]:
        """
        Give the runtime of each language: the defaults, replaced by what was chosen.

        Args:
            choices: Names of runtimes, at most one per language in each choice; a later choice replaces an earlier.

        Returns:
            Language to name; the languages that have a default come first.

        Raises:
            UnknownNameError: Nobody registered one of them.
            ChoiceError: Two of one choice run the same language.
        """
        found = dict(DEFAULT_RUNTIMES)
        for choice in choices:
            chosen: dict[str, str] = {}
            for name in choice:
                language = self._runtimes.get(name)[1]
                if language in chosen:
                    raise ChoiceError(f"{chosen[language]!r} and {name!r} both run {language}; name one per language")
                chosen[language] = name
            found.update(chosen)
        return found

    def metric(self, name: str) -> Metric:
        """
        Look a metric up.

        Raises:
            UnknownNameError: Nobody registered it.
        """
        return self._metrics.get(name)

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of every arm, in order of registration."""
        return tuple(self._arms.all())

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Every metric, in order of registration."""
        return tuple(self._metrics.all().values())


def register_builtins(registry: Registry) -> None:
    """Register what comes with the plugin. Each factory imports its module when it is first called."""
    registry.add_arm("direct", _direct(parallel=True))
    registry.add_arm("direct-serial", _direct(parallel=False))
    registry.add_arm("code", _code, language="python")
    registry.add_arm("code-ts", _code_ts, language="typescript")
    registry.add_provider("reference", _reference, models=_reference_models)
    for provider in LIVE_PROVIDERS:
        registry.add_provider(provider, partial(_live, provider), live=True)
    registry.add_runtime("restricted", _restricted)
    registry.add_runtime("deno", _deno, language="typescript")
    registry.add_runtime("monty", _monty)
    for metric in METRICS:
        registry.add_metric(metric)


def _direct(*, parallel: bool) -> Callable[[], Arm]:
    def factory() -> Arm:
        from pytest_codeact.arms.direct import DirectArm

        return DirectArm(parallel=parallel)

    return factory


def _code() -> Arm:
    from pytest_codeact.arms.code import CodeArm

    return CodeArm()


def _code_ts() -> Arm:
    from pytest_codeact.arms.code import TYPESCRIPT, CodeArm

    return CodeArm(TYPESCRIPT)


def _reference(context: ModelContext) -> Provider:
    from pytest_codeact.providers.reference import reference_model

    return reference_model(context)


def _reference_models() -> Collection[str]:
    from pytest_codeact.providers.reference import ReferenceModel

    return ("", *ReferenceModel.FAULTS)


def _live(provider: str, context: ModelContext) -> Provider:
    """Make the client of a vendor's model. Its module is called as the provider, its factory `live_model`."""
    module = import_module(f"pytest_codeact.providers.{provider}")
    made: Provider = module.live_model(context)
    return made


def _restricted() -> Runtime:
    from pytest_codeact.runtimes.restricted import RestrictedRuntime

    return RestrictedRuntime()


def _deno() -> Runtime:
    from pytest_codeact.runtimes.deno import DenoRuntime

    return DenoRuntime()


def _monty() -> Runtime:
    from pytest_codeact.runtimes.monty import MontyRuntime

    return MontyRuntime()

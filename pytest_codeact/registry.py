"""
Names and what stands behind them: arms, providers, runtimes, metrics. Built-ins come in by the same door as
third parties: the hook `pytest_codeact_register(registry)`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from pytest_codeact.errors import UnknownNameError
from pytest_codeact.measure import METRICS, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pytest_codeact.arms import Arm, ArmFactory
    from pytest_codeact.providers import ModelContext, Provider, ProviderFactory
    from pytest_codeact.runtimes import Runtime, RuntimeFactory

T = TypeVar("T")

_ADVICE: Final = "register others with the hook pytest_codeact_register"


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
        self._arms: _Names[ArmFactory] = _Names("arm")
        self._providers: _Names[tuple[ProviderFactory, Callable[[], Collection[str]] | None]] = _Names("provider")
        self._runtimes: _Names[RuntimeFactory] = _Names("runtime")
        self._metrics: _Names[Metric] = _Names("metric")

    def add_arm(self, name: str, factory: ArmFactory) -> None:
        """
        Register an arm.

        Raises:
            ValueError: The name is taken or not made of letters, digits, '-' and '_'.
        """
        self._arms.add(name, factory)

    def add_provider(
        self, name: str, factory: ProviderFactory, *, models: Callable[[], Collection[str]] | None = None
    ) -> None:
        """
        Register a provider; models are named NAME/MODEL.

        Args:
            name: Its name.
            factory: Makes its client.
            models: Gives every MODEL there is, "" for the name alone. None if only the vendor knows.

        Raises:
            ValueError: As for `add_arm`.
        """
        self._providers.add(name, (factory, models))

    def add_runtime(self, name: str, factory: RuntimeFactory) -> None:
        """
        Register a runtime for code actions.

        Raises:
            ValueError: As for `add_arm`.
        """
        self._runtimes.add(name, factory)

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
        return self._arms.get(name)

    def provider(self, model: str) -> tuple[ProviderFactory, str]:
        """
        Look up the provider of a model.

        Args:
            model: PROVIDER/MODEL, or PROVIDER alone.

        Returns:
            The factory, and what follows the first slash ("" if there is none).

        Raises:
            UnknownNameError: Nobody registered the provider, or it knows its models and this is none.
        """
        provider, _, rest = model.partition("/")
        factory, models = self._providers.get(provider)
        if models is not None and rest not in (known := models()):
            raise UnknownNameError("model", model, (f"{provider}/{each}" if each else provider for each in known))
        return factory, rest

    def runtime(self, name: str) -> RuntimeFactory:
        """
        Look a runtime up.

        Raises:
            UnknownNameError: Nobody registered it.
        """
        return self._runtimes.get(name)

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
    registry.add_arm("code", _code)
    registry.add_provider("reference", _reference, models=_reference_models)
    registry.add_runtime("restricted", _restricted)
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


def _reference(context: ModelContext) -> Provider:
    from pytest_codeact.providers.reference import reference_model

    return reference_model(context)


def _reference_models() -> Collection[str]:
    from pytest_codeact.providers.reference import ReferenceModel

    return ("", *ReferenceModel.FAULTS)


def _restricted() -> Runtime:
    from pytest_codeact.runtimes.restricted import RestrictedRuntime

    return RestrictedRuntime()

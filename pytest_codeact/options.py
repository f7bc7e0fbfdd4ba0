"""
Command line and ini options, read once into a frozen `Settings`. Below it nobody sees `pytest.Config`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_codeact.scenario import Budget

DEFAULT_ARMS: Final = ("direct", "code")
DEFAULT_MODELS: Final = ("reference",)
DEFAULT_METRICS: Final = (
    "success",
    "round_trips",
    "input_tokens",
    "output_tokens",
    "latency_s",
    "visible_result_bytes",
)
"""The columns of the table."""

MAX_COUNT: Final = 1_000_000_000
"""Largest count that an option takes: more is a slip of the finger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What the user asked for.

    Attributes:
        arms: Names of the arms, in order, each once.
        models: PROVIDER/MODEL or "reference", in order, each once.
        trials: Trials per scenario, arm and model.
        metrics: Names of the metrics that the table shows, in order.
        seed: Seed of everything that is drawn.
        sandbox: Name of the runtime for code actions.
        max_turns: Model requests per trial, where the scenario does not say.
        max_output_tokens: Tokens of one reply.
        observation_bytes: UTF-8 bytes of one tool result or program output as shown to the model.
        limits: Limits of each program, by field name of `Limits`; what is not named has its default.
        explicit: Names of the fields of arms, models, metrics and sandbox that the user gave; only they need checking.
    """

    arms: tuple[str, ...] = DEFAULT_ARMS
    models: tuple[str, ...] = DEFAULT_MODELS
    trials: int = 1
    metrics: tuple[str, ...] = DEFAULT_METRICS
    seed: int = 0
    sandbox: str = "restricted"
    max_turns: int = 50
    max_output_tokens: int = 4096
    observation_bytes: int = 64 * 2**10
    limits: Mapping[str, float] = field(default_factory=dict)
    explicit: frozenset[str] = frozenset()

    @property
    def budget(self) -> Budget:
        """The budget of a trial."""
        from pytest_codeact.scenario import Budget

        return Budget(
            max_turns=self.max_turns,
            max_output_tokens=self.max_output_tokens,
            observation_bytes=self.observation_bytes,
        )


def add_options(parser: pytest.Parser) -> None:
    """Declare every option. Each durable one has an ini key of the same name."""
    group = parser.getgroup("codeact", "direct tool calling against code as action (pytest-codeact)")
    for option in _OPTIONS:
        option.declare(parser, group)


def read_settings(config: pytest.Config) -> Settings:
    """
    Build the settings from command line, ini and defaults, in that order of precedence.

    Raises:
        pytest.UsageError: A value cannot be read; the text names the option.
    """
    given: dict[str, Any] = {}
    for option in _OPTIONS:
        source, raw = option.flag, config.getoption(option.dest)
        if raw is None:
            source, raw = option.dest, _ini_value(config, option.dest)
        if raw is not None:
            given[option.name] = option.parse(source, raw)
    return Settings(**given, explicit=frozenset(given))


def _ini_value(config: pytest.Config, name: str) -> Any:
    try:
        return config.getini(name)
    except (pytest.UsageError, ValueError, TypeError) as error:
        raise pytest.UsageError(f"{name}: {error}") from error


def parse_names(source: str, raw: str | list[str]) -> tuple[str, ...]:
    """
    Read a list of names, separated by commas.

    Args:
        source: The option, for the message.
        raw: Its value, or its values where it may be repeated.

    Raises:
        pytest.UsageError: A name is empty or comes twice.
    """
    # An ini file's list is split at blanks before it comes here: "a, b" arrives as "a," and "b".
    parts = [raw] if isinstance(raw, str) else [part.removesuffix(",") for part in raw]
    names = [name.strip() for part in parts for name in part.split(",")]
    if not names or not all(names):
        raise pytest.UsageError(
            f"{source}: empty name in {','.join(parts)!r}; expected names separated by commas, for example a,b"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise pytest.UsageError(f"{source}: {twice[0]!r} comes twice in {','.join(parts)!r}; name each once")
    return tuple(names)


def parse_count(source: str, raw: str | int) -> int:
    """
    Read a whole number from 1 to `MAX_COUNT`.

    Raises:
        pytest.UsageError: It is not one.
    """
    try:
        count = int(raw)
    except ValueError:
        count = 0
    if not 1 <= count <= MAX_COUNT:
        raise pytest.UsageError(f"{source}: expected a whole number from 1 to {MAX_COUNT:,}; got {raw!r}")
    return count


def parse_seed(source: str, raw: str | int) -> int:
    """
    Read a whole number from 0.

    Raises:
        pytest.UsageError: It is not one.
    """
    if not str(raw).isdecimal():
        raise pytest.UsageError(f"{source}: expected a whole number from 0; got {raw!r}")
    return int(raw)


def parse_limits(source: str, raw: list[str]) -> dict[str, float]:
    """
    Read limits of the form NAME=VALUE.

    Args:
        source: The option, for the message.
        raw: Its values.

    Raises:
        pytest.UsageError: One has another form, an unknown name or a value that is no positive number.
    """
    return dict(parse_limit(source, each) for each in raw)


def parse_limit(source: str, raw: str) -> tuple[str, float]:
    """
    Read one limit of the form NAME=VALUE.

    Raises:
        pytest.UsageError: It has another form, an unknown name or a value that is no positive number.
    """
    name, sign, text = raw.partition("=")
    try:
        value = float(text) if sign else 0.0
    except ValueError:
        value = 0.0
    from pytest_codeact.runtimes import limit_problem

    problem = limit_problem(name.strip(), value)
    if problem:
        raise pytest.UsageError(f"{source}: {problem}; got {raw!r}, expected NAME=VALUE, for example wall_s=2")
    return name.strip(), value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Option:
    """One option: how it is declared and read."""

    name: str
    flag: str
    metavar: str
    help: str
    parse: Callable[[str, Any], Any]
    ini: Literal["args", "int", "string"]
    repeated: bool = False

    @property
    def dest(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")

    def declare(self, parser: pytest.Parser, group: pytest.OptionGroup) -> None:
        group.addoption(
            self.flag,
            dest=self.dest,
            metavar=self.metavar,
            default=None,
            action="append" if self.repeated else "store",
            help=self.help,
        )
        parser.addini(self.dest, help=f"Default of {self.flag}.", type=self.ini, default=None)


_OPTIONS: Final = (
    _Option(
        name="arms",
        flag="--codeact-arms",
        metavar="ARM[,ARM]",
        help=f"Arms that every scenario runs in. Default: {','.join(DEFAULT_ARMS)}.",
        parse=parse_names,
        ini="args",
    ),
    _Option(
        name="models",
        flag="--codeact-model",
        metavar="PROVIDER/MODEL",
        help="Model to run with; may be repeated. Default: reference, which needs no key and no network.",
        parse=parse_names,
        ini="args",
        repeated=True,
    ),
    _Option(
        name="trials",
        flag="--codeact-trials",
        metavar="N",
        help="Trials of every scenario in every arm. Default: 1.",
        parse=parse_count,
        ini="int",
    ),
    _Option(
        name="metrics",
        flag="--codeact-metrics",
        metavar="METRIC[,METRIC]",
        help=f"Columns of the table. Default: {', '.join(DEFAULT_METRICS)}.",
        parse=parse_names,
        ini="args",
    ),
    _Option(
        name="seed",
        flag="--codeact-seed",
        metavar="N",
        help="Seed of everything that is drawn, such as the faults of the reference model. Default: 0.",
        parse=parse_seed,
        ini="int",
    ),
    _Option(
        name="sandbox",
        flag="--codeact-sandbox",
        metavar="RUNTIME",
        help="Where model-written programs run. Default: restricted.",
        parse=lambda _source, raw: raw,
        ini="string",
    ),
    _Option(
        name="max_turns",
        flag="--codeact-max-turns",
        metavar="N",
        help="Model requests of one trial, where the scenario does not say. Default: 50.",
        parse=parse_count,
        ini="int",
    ),
    _Option(
        name="max_output_tokens",
        flag="--codeact-max-output-tokens",
        metavar="N",
        help="Tokens of one reply. Default: 4096.",
        parse=parse_count,
        ini="int",
    ),
    _Option(
        name="observation_bytes",
        flag="--codeact-observation-bytes",
        metavar="N",
        help="Bytes of one tool result or program output that the model is shown. Default: 65536.",
        parse=parse_count,
        ini="int",
    ),
    _Option(
        name="limits",
        flag="--codeact-limit",
        metavar="NAME=VALUE",
        help="Limit of each program in the sandbox, for example wall_s=2; may be repeated.",
        parse=parse_limits,
        ini="args",
        repeated=True,
    ),
)

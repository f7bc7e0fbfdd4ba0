"""
What the user asked for, as values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_codeact.runtimes import Level
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


CONTROL: Final = "control"
"""Name under which `--codeact-control` runs the base arm a second time."""


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
        sandbox: Names of the runtimes for code actions, at most one per language; those of a `Kit` are complete.
        sandbox_min: The least level of a sandbox that programs may run in.
        frozen_clock_s: Where the clock of programs stands, in seconds since the epoch. None for the real time.
        max_turns: Model requests per trial, where the scenario does not say.
        max_output_tokens: Tokens of one reply.
        observation_bytes: UTF-8 bytes of one tool result or program output as shown to the model.
        limits: Limits of each program, by field name of `Limits`; what is not named has its default.
        min_success: Share of a scenario's completed trials that must pass; failed trials are then data. None: every
            failed trial fails its test.
        order: How the arms of a scenario follow each other: "abba" or "shuffled".
        concurrency: Trials that one process runs at a time.
        deadline_s: Seconds that one trial may take.
        control: Whether the base arm is run twice, as an A/A pair.
        fail: Rules METRIC:STAT:LIMIT of the gate, as they were given.
        fail_on_noise: Whether a rule counts what is beyond its limit and within the noise.
        require_baseline: Whether a gate without a baseline fails.
        save_baseline: Path of the baseline file to write. None for none.
        resume: Name of the run to go on with, or "last". None for a new run.
        mode: Where the replies come from: one of `MODES`.
        base_urls: Address of a provider's server, by its name; under "" that of all others. Empty: the vendors' own.
        prompt_cache: Whether providers are to cache prompts, in all arms alike.
        request_timeout_s: Seconds without a byte from a server after which a request has failed.
        cassettes: Directory of the recordings, as it was given; relative to the root directory.
        budget_usd: US dollars that the run may spend. Infinite if the user said that it may spend any sum. None if he
            said nothing: then nothing is asked that costs.
        max_requests: Model requests that the run may send, failed attempts included. None for any number.
        max_seconds: Seconds from the run's start after which no request is sent. None for any.
        rpm: Model requests per minute, over all workers, that each model is sent at most. None for any number.
        tpm: Tokens per minute, likewise. None for any number.
        prices: Path of a file of prices that go before the bundled ones. None for none.
        secrets: Names of environment variables whose values are secrets though their names do not say so.
        dry_run: Whether the plan and its estimate are shown, and nothing is run.
        sources: Where the user gave what he gave: the flag or the ini key, by the name of the field.
    """

    arms: tuple[str, ...] = DEFAULT_ARMS
    models: tuple[str, ...] = DEFAULT_MODELS
    trials: int = 1
    metrics: tuple[str, ...] = DEFAULT_METRICS
    seed: int = 0
    sandbox: tuple[str, ...] = ()
    sandbox_min: Level = "D"
    frozen_clock_s: float | None = None
    max_turns: int = 50
    max_output_tokens: int = 4096
    observation_bytes: int = 64 * 2**10
    limits: Mapping[str, float] = field(default_factory=dict)
    min_success: float | None = None
    order: str = "abba"
    concurrency: int = 1
    deadline_s: float = 900.0
    control: bool = False
    fail: tuple[str, ...] = ()
    fail_on_noise: bool = False
    require_baseline: bool = False
    save_baseline: str | None = None
    resume: str | None = None
    mode: str = "auto"
    base_urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    prompt_cache: bool = False
    request_timeout_s: float = 300.0
    cassettes: str = "cassettes"
    budget_usd: float | None = None
    max_requests: int | None = None
    max_seconds: float | None = None
    rpm: int | None = None
    tpm: int | None = None
    prices: str | None = None
    secrets: tuple[str, ...] = ()
    dry_run: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def explicit(self) -> frozenset[str]:
        """Names of the fields that the user gave."""
        return frozenset(self.sources)

    @property
    def base_arm(self) -> str:
        """The arm that the others are compared with: "direct" where it runs, else the first."""
        return "direct" if "direct" in self.arms else self.arms[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """The arms that every scenario runs in, the control last: the columns of the experiment."""
        return (*self.arms, CONTROL) if self.control else self.arms

    @property
    def budget(self) -> Budget:
        """The budget of a trial."""
        from pytest_codeact.scenario import Budget

        return Budget(
            max_turns=self.max_turns,
            max_output_tokens=self.max_output_tokens,
            observation_bytes=self.observation_bytes,
            deadline_s=self.deadline_s,
        )

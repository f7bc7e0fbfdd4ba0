"""
The turn loop: the only one. It asks, lets the arm act, observes and measures; nothing else counts anything.
"""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from pytest_codeact.arms import Answer, Arm, Bench, Observation, Offer
from pytest_codeact.deadline import Lane, OverdueError
from pytest_codeact.errors import DeadlineError, ProviderError, describe
from pytest_codeact.providers import Provider, Reply, Request
from pytest_codeact.records import Ended, Json, Message, Mode, ToolResult, TrialRecord, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.scenario import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """
    One cell of the experiment.

    Attributes:
        arm: Name of the arm.
        model: PROVIDER/MODEL as asked for, or "reference".
        trial: Number of the trial. Starts at 1.
    """

    arm: str
    model: str
    trial: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """
    One run of a scenario, for its validator to judge.

    Attributes:
        record: What was measured.
        answer: The final answer as JSON; its text if it is not of the answer type. None if there was none.
        state: The world's end state (`end_state()`) as JSON. None if the world does not define it.
        messages: The whole conversation: the task first, then reply and observation in turn.
        failure: What ended the trial as an error, an interrupt included; whoever asked for the trial raises it. None
            for every other end.
    """

    record: TrialRecord
    answer: Json
    state: Json
    messages: tuple[Message, ...]
    failure: BaseException | None = None

    @property
    def outcome(self) -> dict[str, Json]:
        """What a snapshot holds: the answer, the end state, and that the trial ended with an answer."""
        return {"answer": self.answer, "ended": self.record.ended, "state": self.state}


def run_trial(
    *,
    scenario_id: str,
    prompt: str,
    case: Case,
    arm: Arm,
    provider: Provider,
    bench: Bench,
    budget: Budget,
    lane: Lane | None = None,
    in_flight: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Trial:
    """
    Run one trial to its end or its deadline. Never raises for what a model, a program or a tool does.

    Args:
        scenario_id: Id of the scenario, for the record.
        prompt: The task.
        case: Arm, model and number of the trial, for the record.
        arm: The arm; a fresh instance.
        provider: The model.
        bench: Tools, final answer and sandbox of this trial.
        budget: What it may use.
        lane: Where it runs: that in which its world was made. None for one of its own.
        in_flight: Trials that run in this process now, itself included, for the record.
        clock: Gives seconds. A seam for tests.

    Returns:
        The trial. If a provider, the sandbox or the scenario failed, or the trial did not end in time, `Trial.failure`
        says how and the record ends as "error"; what was measured until then is kept.
    """
    loop = _Loop(arm=arm, provider=provider, bench=bench, budget=budget, clock=clock, prompt=prompt)
    failure: BaseException | None = None
    own_lane = lane or Lane()
    # The garbage of all trials before would be collected in the same trial of the same arm in every run.
    quiet = _uncollected() if in_flight == 1 else nullcontext()
    try:
        with quiet:
            own_lane.call(loop.run, budget.deadline_s)
    except BaseException as error:  # noqa: BLE001 - the trial boundary: what was paid for is kept, whoever failed
        # Where the function was left behind, it still holds the turn that it is in.
        loop.end_turn()
        failure = DeadlineError(loop.overdue_text()) if isinstance(error, OverdueError) else error
    finally:
        if lane is None:
            own_lane.close()
    record = TrialRecord(
        scenario=scenario_id,
        arm=case.arm,
        model=case.model,
        trial=case.trial,
        mode=loop.mode,
        turns=tuple(loop.turns),
        calls=bench.toolbox.journal,
        ended=loop.ended if failure is None else "error",
        error=None if failure is None else describe(failure),
        model_version=loop.model_version,
        sandbox_level=bench.sandbox.level,
        in_flight=in_flight,
        attempts=failure.attempts if isinstance(failure, ProviderError) else (),
        sdk=loop.sdk,
        prices=loop.prices,
    )
    answer = loop.answer.value if loop.answer else None
    return Trial(record=record, answer=answer, state=loop.state, messages=tuple(loop.messages), failure=failure)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the cyclic garbage collector from running. Whoever found it enabled enables it again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenTurn:
    """
    A turn whose reply is there and whose actions are not done.

    Attributes:
        reply: The reply.
        model_s: Seconds that it took.
        replied_at: The clock when it came.
        calls_before: Length of the journal then.
    """

    reply: Reply
    model_s: float
    replied_at: float
    calls_before: int


class _Loop:
    """The state of one trial while it runs. Read by another thread only once the trial has ended or is given up."""

    def __init__(
        self,
        *,
        arm: Arm,
        provider: Provider,
        bench: Bench,
        budget: Budget,
        clock: Callable[[], float],
        prompt: str,
    ) -> None:
        self._arm = arm
        self._provider = provider
        self._bench = bench
        self._budget = budget
        self._clock = clock
        self._doing = "making the arm's offer"
        self._open_turn: _OpenTurn | None = None
        self.messages = [Message(role="user", text=prompt)]
        self.turns: list[Turn] = []
        self.answer: Answer | None = None
        self.state: Json = None
        self.ended: Ended = "error"
        self.mode: Mode | None = None
        self.model_version: str | None = None
        self.sdk: str | None = None
        self.prices: str | None = None

    def run(self) -> None:
        ended = self._converse()
        self._doing = "taking the world's end state"
        self.state = self._bench.toolbox.end_state()
        self.ended = ended

    def overdue_text(self) -> str:
        """Say where the trial is that did not end in time."""
        count = len(self.turns)
        return (
            f"the trial did not end within {self._budget.deadline_s:g} s; it was {self._doing}, "
            f"after {count} round trip{'' if count == 1 else 's'}; "
            "if it only needs longer, allow more with --codeact-deadline or deadline_s=... in its marker"
        )

    def end_turn(self, observation: Observation | None = None) -> None:
        """Note the turn that is open, if one is. The reply is paid for, whatever becomes of its actions."""
        turn, self._open_turn = self._open_turn, None
        if turn is None:
            return
        self.turns.append(
            Turn(
                index=len(self.turns),
                model_s=turn.model_s,
                waited_s=turn.reply.waited_s,
                action_s=self._clock() - turn.replied_at,
                usage=turn.reply.usage,
                tool_calls=len(self._bench.toolbox.journal) - turn.calls_before,
                visible_result_bytes=0,
                code_statuses=observation.code_statuses if observation else (),
                attempts=turn.reply.attempts,
                request_id=turn.reply.request_id,
            )
        )

    def _converse(self) -> Ended:
        offer = self._arm.offer(self._bench)
        while len(self.turns) < self._budget.max_turns:
            reply = self._turn(offer)
            if self.answer is not None:
                return "answered" if self.answer.well_typed else "ill_typed_answer"
            if not reply.message.tool_calls or not _is_whole(reply):
                return "no_answer"
        return "turn_limit"

    def _turn(self, offer: Offer) -> Reply:
        request = self._request(offer)
        reply = self._ask(request)
        self._note_source(reply)
        self.messages.append(reply.message)
        observation = Observation()
        try:
            observation = self._act(reply)
        finally:
            self.end_turn(observation)
        results = tuple(shortened(each, self._budget.observation_bytes) for each in observation.results)
        self.answer = observation.answer
        if results:
            self.messages.append(Message(role="tool", tool_results=results))
        return reply

    def _ask(self, request: Request) -> Reply:
        """Ask the model and open the turn. Nothing stands between the clock and the provider."""
        self._doing = "waiting for the model"
        complete, clock = self._provider.complete, self._clock
        asked_at = clock()
        reply = complete(request)
        replied_at = clock()
        self._open_turn = _OpenTurn(
            reply=reply,
            model_s=replied_at - asked_at - reply.waited_s if reply.model_s is None else reply.model_s,
            replied_at=replied_at,
            calls_before=len(self._bench.toolbox.journal),
        )
        return reply

    def _request(self, offer: Offer) -> Request:
        """Make the next request. It is what shows the model the results of the turn before."""
        if self.turns:
            shown_bytes = sum(_byte_count(each.content) for each in self.messages[-1].tool_results)
            self.turns[-1] = replace(self.turns[-1], visible_result_bytes=shown_bytes)
        return Request(
            system=offer.system,
            messages=tuple(self.messages),
            tools=offer.tools,
            parallel_tool_calls=offer.parallel_tool_calls,
            max_output_tokens=self._budget.max_output_tokens,
        )

    def _act(self, reply: Reply) -> Observation:
        """Let the arm act. A reply that was cut off, refused or empty is no action and no answer, whatever the arm."""
        if not _is_whole(reply) or not (reply.message.tool_calls or reply.message.text.strip()):
            return Observation()
        asked = ", ".join(dict.fromkeys(f"{call.name!r:.80}" for call in reply.message.tool_calls))
        self._doing = f"carrying out {asked}" if asked else "reading the answer"
        return self._arm.act(reply.message, self._bench)

    def _note_source(self, reply: Reply) -> None:
        source: Literal["reference", "live", "replay"] = reply.mode
        self.mode = source if self.mode in (None, source) else "mixed"
        self.model_version = reply.model_version or self.model_version
        self.sdk = reply.sdk or self.sdk
        self.prices = reply.prices or self.prices


def _is_whole(reply: Reply) -> bool:
    """
    Tell whether a model came to the end of its reply.

    Of one that was cut none of the calls is carried out. Vendors differ in what they hand over of the last: half of it,
    a half that looks whole, or nothing at all; the trial ends alike with all of them.
    """
    return reply.stop in {"end", "tool_calls"}


_CUT: Final = "\n... ({} bytes left out) ...\n"


def shortened(result: ToolResult, limit_bytes: int) -> ToolResult:
    """
    Leave out the middle of a result that is longer than the limit, and say so in its place.

    Args:
        result: What an arm wants the model to see.
        limit_bytes: UTF-8 bytes of `content` that may stay; the note on what was left out comes on top.
    """
    raw = result.content.encode("utf-8", "backslashreplace")
    if len(raw) <= limit_bytes:
        return result
    half = limit_bytes // 2
    head = raw[:half].decode("utf-8", "ignore")
    tail = raw[len(raw) - half :].decode("utf-8", "ignore")
    left_out = len(raw) - _byte_count(head) - _byte_count(tail)
    return replace(result, content=head + _CUT.format(left_out) + tail)


def _byte_count(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))

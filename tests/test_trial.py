"""The turn loop."""

from __future__ import annotations

import gc
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fakes import Item, ScriptedModel, Ticks, calls, make_bench, runs, says
from records_of import usage

from pytest_codeact.arms.code import CodeArm
from pytest_codeact.arms.direct import DirectArm
from pytest_codeact.errors import DeadlineError, ProviderError, SandboxError
from pytest_codeact.providers import Reply, Request
from pytest_codeact.records import Json, ToolResult
from pytest_codeact.runtimes import Bindings, Execution
from pytest_codeact.scenario import Budget
from pytest_codeact.trial import Case, Trial, run_trial, shortened

if TYPE_CHECKING:
    from collections.abc import Callable

PUT: tuple[str, Json] = ("put", {"name": "cup"})


def run(
    model: ScriptedModel,
    *,
    arm: DirectArm | CodeArm | None = None,
    budget: Budget | None = None,
    clock: Ticks | None = None,
    programs: dict[str, Callable[[Bindings], Execution]] | None = None,
    answer: object | None = None,
    in_flight: int = 1,
) -> Trial:
    """Run a trial over a fresh shelf."""
    bench, _ = make_bench(programs, answer=answer)
    return run_trial(
        scenario_id="test_a.py::test_one",
        prompt="Put a cup on the shelf.",
        case=Case(arm="direct", model="scripted/a"),
        arm=arm or DirectArm(parallel=True),
        provider=model,
        bench=bench,
        budget=budget or Budget(),
        clock=clock or time.perf_counter,
        in_flight=in_flight,
    )


def test_conversation_grows_by_reply_and_results() -> None:
    """The model sees the task, then each reply and what came of it."""
    model = ScriptedModel(calls(PUT), says("done"))
    trial = run(model)

    assert [message.role for message in trial.messages] == ["user", "assistant", "tool", "assistant"]
    assert [len(request.messages) for request in model.requests] == [1, 3]
    assert trial.messages[0].text == "Put a cup on the shelf."
    assert trial.outcome == {"answer": "done", "ended": "answered", "state": {"cup": 3}}


def test_turns_carry_what_was_measured() -> None:
    """Seconds, usage, calls and visible bytes are taken per turn, by the loop alone."""
    model = ScriptedModel(calls(PUT, PUT, usage=usage(100, 10)), says("ok", usage=usage(150, 5)))
    trial = run(model, clock=Ticks([0, 2, 0.5, 10, 3, 0.25]))
    first, second = trial.record.turns

    assert (first.index, first.model_s, first.action_s, first.waited_s) == (0, 2.0, 0.5, 0.0)
    assert (first.tool_calls, first.usage) == (2, usage(100, 10))
    # It is shown by the second request.
    assert first.visible_result_bytes == sum(len(r.content) for r in trial.messages[2].tool_results)
    assert (second.index, second.model_s, second.action_s, second.tool_calls) == (1, 3.0, 0.25, 0)
    assert second.visible_result_bytes == 0


def test_program_statuses_are_recorded_per_turn() -> None:
    """A failed program and its repair are two round trips."""

    def finish(bindings: Bindings) -> Execution:
        bindings.call("final_answer", ["yes"], {})
        return Execution(status="final")

    programs = {"bad": lambda _: Execution(status="error", error="NameError"), "good": finish}
    trial = run(ScriptedModel(runs("bad"), runs("good")), arm=CodeArm(), programs=programs)

    assert [turn.code_statuses for turn in trial.record.turns] == [("error",), ("final",)]
    assert trial.answer == "yes"


def test_results_that_no_request_shows_are_not_visible() -> None:
    """What came of the last turn enters no model's context, whether an answer or the turn limit ended the trial."""
    answered = run(ScriptedModel(calls(PUT, ("final_answer", {"answer": 1}))), answer=int)
    limited = run(ScriptedModel(calls(PUT), calls(PUT)), budget=Budget(max_turns=2))

    assert [turn.visible_result_bytes for turn in answered.record.turns] == [0]
    assert [turn.visible_result_bytes > 0 for turn in limited.record.turns] == [True, False]


def test_turn_whose_action_fails_is_kept() -> None:
    """Its tokens are paid, and the tools it called before have been called."""

    def breaks(bindings: Bindings) -> Execution:
        bindings.call("put", ["pot"], {})
        raise SandboxError("the process is gone")

    model = ScriptedModel(calls(("run_code", {"code": "p"}), usage=usage(100, 10)))
    trial = run(model, arm=CodeArm(), programs={"p": breaks})

    assert (trial.record.ended, trial.record.error) == ("error", "SandboxError: the process is gone")
    assert [(turn.usage, turn.tool_calls) for turn in trial.record.turns] == [(usage(100, 10), 1)]


def test_interrupt_keeps_the_record() -> None:
    """What was measured before Ctrl-C is kept, and the interrupt is handed on."""
    interrupt = KeyboardInterrupt()
    trial = run(ScriptedModel(calls(PUT, usage=usage()), interrupt))

    assert trial.failure is interrupt
    assert len(trial.record.turns) == 1


def test_model_seconds_are_the_providers_own_where_it_gives_them() -> None:
    """A provider that does more than the model says how long the model took."""
    reply = replace(says("ok"), model_s=0.125)

    assert run(ScriptedModel(reply), clock=Ticks([0, 9, 1])).record.turns[0].model_s == 0.125


def test_turn_limit_ends_the_trial() -> None:
    """A trial that needs more turns is over, without an answer, and is no error."""
    trial = run(ScriptedModel(*[calls(PUT)] * 9), budget=Budget(max_turns=3))

    assert (trial.record.ended, len(trial.record.turns), trial.failure) == ("turn_limit", 3, None)
    assert trial.outcome == {"answer": None, "ended": "turn_limit", "state": {"cup": 5}}


@pytest.mark.parametrize(
    "reply", [says(""), says("  \n"), says("half an ans", stop="max_tokens"), says("no", stop="refusal")]
)
def test_a_reply_without_answer_ends_the_trial(reply: Reply) -> None:
    """Silence, a refusal and a text that was cut off are the model's failure, not an answer."""
    trial = run(ScriptedModel(reply))

    assert (trial.record.ended, trial.answer, trial.failure) == ("no_answer", None, None)


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "content_filter"])
def test_calls_of_a_reply_that_was_cut_are_not_carried_out(stop: str) -> None:
    """Neither the call that was cut nor those before it: the trial is over, and what it cost is counted."""
    reply = replace(calls(PUT, ("put", '{"name": "p'), usage=usage()), stop=stop)  # type: ignore[arg-type]  # literal
    trial = run(ScriptedModel(reply))

    assert (trial.record.ended, trial.failure, trial.record.calls) == ("no_answer", None, ())
    assert [(turn.usage, turn.tool_calls) for turn in trial.record.turns] == [(usage(), 0)]


def test_program_of_a_reply_that_was_cut_is_not_run() -> None:
    """A program whose cut text is a whole program too, as far as anyone can see, is not run."""
    trial = run(ScriptedModel(replace(runs("any"), stop="max_tokens")), arm=CodeArm())

    assert (trial.record.ended, trial.record.turns[0].code_statuses) == ("no_answer", ())


def test_ill_typed_answer_says_so() -> None:
    """A text that is not of the answer type is kept, and the end says what it is."""
    trial = run(ScriptedModel(says("two")), answer=Item)

    assert trial.outcome == {"answer": "two", "ended": "ill_typed_answer", "state": {"cup": 2}}


@pytest.mark.parametrize("failure", [ProviderError("connection refused"), RuntimeError("a bug of an adapter")])
def test_provider_that_fails_ends_the_trial_as_an_error(failure: Exception) -> None:
    """What was measured before stays in the record; the error is ours to raise, not the model's to answer for."""
    trial = run(ScriptedModel(calls(PUT, usage=usage()), failure))

    assert trial.failure is failure
    assert (trial.record.ended, len(trial.record.turns)) == ("error", 1)
    assert trial.record.error == f"{type(failure).__name__}: {failure}"
    assert len(trial.record.calls) == 1


def test_mode_is_that_of_the_replies() -> None:
    """Replies of two kinds make a mixed record, which is never compared with a pure one."""
    asked, answered = calls(PUT), says("ok")
    replayed = Reply(message=answered.message, stop="end", mode="replay", model_version="m-2026")

    assert run(ScriptedModel(asked, answered)).record.mode == "live"
    assert run(ScriptedModel(asked, replayed)).record.mode == "mixed"
    assert run(ScriptedModel(asked, replayed)).record.model_version == "m-2026"
    assert run(ScriptedModel(ProviderError("down"))).record.mode is None


def test_long_result_is_shortened_for_every_arm_alike() -> None:
    """The loop, not the arm, cuts what the model is shown, and counts what is left."""
    text = "a" * 500
    budget = Budget(observation_bytes=100)
    direct = run(ScriptedModel(calls(("put", {"name": text})), says("ok")), budget=budget)
    code = run(
        ScriptedModel(runs("p"), says("ok")),
        arm=CodeArm(),
        budget=budget,
        programs={"p": lambda _: Execution(status="ok", output=text)},
    )

    for trial in (direct, code):
        content = trial.messages[2].tool_results[0].content
        assert "bytes left out) ..." in content
        assert trial.record.turns[0].visible_result_bytes == len(content) < 150


def test_shortened_keeps_head_and_tail() -> None:
    """The note counts what is missing; no character is torn apart."""
    result = ToolResult(call_id="1", name="t", content="ä" * 50 + "ö" * 50)

    assert shortened(result, 200) is result
    assert shortened(result, 21).content == "ä" * 5 + "\n... (180 bytes left out) ...\n" + "ö" * 5


ALLOW = "if it only needs longer, allow more with --codeact-deadline or deadline_s=... in its marker"


class Hanging(ScriptedModel):
    """Hangs when its replies are used up."""

    def complete(self, request: Request) -> Reply:
        if len(self.requests) == len(self._replies):
            threading.Event().wait()
        return super().complete(request)


def test_model_that_hangs_ends_as_an_error_that_keeps_the_turns() -> None:
    """What was measured before is in the record; no turn is made up for a reply that never came."""
    trial = run(Hanging(calls(PUT, usage=usage())), budget=Budget(deadline_s=0.1))

    assert isinstance(trial.failure, DeadlineError)
    assert str(trial.failure) == (
        f"the trial did not end within 0.1 s; it was waiting for the model, after 1 round trip; {ALLOW}"
    )
    assert (trial.record.ended, trial.record.error) == ("error", f"DeadlineError: {trial.failure}")
    assert [(turn.usage, turn.tool_calls) for turn in trial.record.turns] == [(usage(), 1)]
    assert trial.state is None


@pytest.mark.parametrize("catches", [False, True])
def test_program_that_hangs_keeps_its_turn(*, catches: bool) -> None:
    """The reply is paid for, whether or not the arm lets itself be stopped."""
    release = threading.Event()

    def hangs(_: Bindings) -> Execution:
        while not release.is_set():
            try:
                release.wait(0.01)
            except BaseException:
                if not catches:
                    raise
        return Execution(status="ok")

    model = ScriptedModel(calls(("run_code", {"code": "p"}), usage=usage()))
    trial = run(model, arm=CodeArm(), programs={"p": hangs}, budget=Budget(deadline_s=0.1))
    release.set()

    assert str(trial.failure) == (
        f"the trial did not end within 0.1 s; it was carrying out 'run_code', after 1 round trip; {ALLOW}"
    )
    assert [(turn.index, turn.usage, turn.code_statuses) for turn in trial.record.turns] == [(0, usage(), ())]
    assert trial.record.turns[0].action_s > 0


@pytest.mark.parametrize(("enabled", "in_flight", "inside"), [(True, 1, False), (True, 2, True), (False, 1, False)])
def test_garbage_is_collected_between_trials(*, enabled: bool, in_flight: int, inside: bool) -> None:
    """Not inside one that runs alone, however it ends; what the user switched off stays off."""
    seen: list[bool] = []

    def look(bindings: Bindings) -> Execution:
        seen.append(gc.isenabled())
        raise SandboxError("lost")

    was = gc.isenabled()
    try:
        gc.enable() if enabled else gc.disable()
        run(ScriptedModel(runs("look")), arm=CodeArm(), programs={"look": look}, in_flight=in_flight)
        assert gc.isenabled() == enabled
    finally:
        gc.enable() if was else gc.disable()
    assert seen == [inside]


def test_record_says_how_many_were_in_flight() -> None:
    """One, unless the caller says more."""
    bench, _ = make_bench({})
    trial = run_trial(
        scenario_id="test_a.py::test_one",
        prompt="Go.",
        case=Case(arm="direct", model="scripted/a"),
        arm=DirectArm(parallel=True),
        provider=ScriptedModel(says("done")),
        bench=bench,
        budget=Budget(),
        in_flight=9,
    )

    assert trial.record.in_flight == 9
    assert run(ScriptedModel(says("done"))).record.in_flight == 1


def test_time_out_of_the_providers_own_is_no_deadline() -> None:
    """It goes through as what it is."""
    error = TimeoutError("the socket's")
    trial = run(ScriptedModel(error))

    assert trial.failure is error
    assert trial.record.error == "TimeoutError: the socket's"

"""From a model's name and the run's mode to a client."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fakes import ScriptedModel, Shelf, says

from pytest_codeact.cassettes import CassetteModel
from pytest_codeact.clients import make_client, settled
from pytest_codeact.errors import ScenarioError, UnavailableError
from pytest_codeact.journal import Journal, JournalFile
from pytest_codeact.kit import Kit
from pytest_codeact.options import Settings
from pytest_codeact.providers.retry import Retrying
from pytest_codeact.records import TrialRecord, Turn
from pytest_codeact.registry import Registry, register_builtins
from pytest_codeact.scenario import Scenario
from pytest_codeact.tools import Toolbox
from pytest_codeact.trial import Case, Trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_codeact.providers import ModelContext, Provider, Request

CASE = Case(arm="direct", model="fake/x")
SCENARIO = Scenario(id="t.py::test_x", prompt="How many?", tools=Shelf)


class Factory:
    """Makes scripted models; keeps what it was given."""

    def __init__(self) -> None:
        self.contexts: list[ModelContext] = []
        self.has_key = True

    def __call__(self, context: ModelContext) -> Provider:
        if not self.has_key:
            raise UnavailableError("no key: FAKE_API_KEY is not set")
        self.contexts.append(context)
        return ScriptedModel(says("two"))


@pytest.fixture
def factory() -> Factory:
    """Give the factory of the live provider."""
    return Factory()


@pytest.fixture
def kit(tmp_path: Path, factory: Factory) -> Iterator[Kit]:
    """Make a kit with a live provider."""
    registry = Registry()
    register_builtins(registry)
    registry.add_provider("fake", factory, live=True)
    registry.add_provider("own", factory)
    store = JournalFile(tmp_path / "run", lambda: b"{}", owner=True)
    made = Kit(Settings(), registry, Journal(store, "run", looks_up=False), cassettes=tmp_path / "cassettes")
    yield made
    made.close()
    store.close()


def client(kit: Kit, mode: str, case: Case = CASE) -> Provider:
    """Make the client of a trial in a mode."""
    kit.settings = replace(kit.settings, mode=mode)
    return make_client(kit, case, SCENARIO, Toolbox(Shelf()))


def ask(made: Provider, request: Request) -> Trial:
    """Let a client answer once, and end its trial."""
    made.complete(request)
    turn = Turn(index=0, model_s=1.0, waited_s=0, action_s=0.5, usage=None, tool_calls=0, visible_result_bytes=0)
    record = TrialRecord(
        scenario=SCENARIO.id,
        arm="direct",
        model="fake/x",
        trial=1,
        mode="live",
        turns=(turn,),
        calls=(),
        ended="answered",
    )
    return settled(made, Trial(record=record, answer="two", state=None, messages=()))


@pytest.fixture
def request_() -> Request:
    """Give a request."""
    from recordings_of import request

    return request()


@pytest.mark.parametrize("mode", ["auto", "replay", "record", "refresh", "live", "reference"])
def test_provider_that_is_not_live_is_asked_in_every_mode(kit: Kit, factory: Factory, mode: str) -> None:
    """What costs nothing is neither recorded nor replayed."""
    made = client(kit, mode, Case(arm="direct", model="own/x"))

    assert isinstance(made, ScriptedModel)
    assert [context.model for context in factory.contexts] == ["x"]


def test_live_is_the_model_itself(kit: Kit) -> None:
    """Nothing is recorded, nothing looked up: the model, behind retries and the gate."""
    live = client(kit, "live")
    kit.connections.close()

    assert isinstance(live, Retrying)
    assert isinstance(live.provider, ScriptedModel)
    assert not kit.cassettes.exists()


def test_replay_makes_no_model(kit: Kit, factory: Factory, request_: Request) -> None:
    """What is recorded is replayed without its provider, in three modes."""
    ask(client(kit, "record"), request_)
    made = len(factory.contexts)
    factory.has_key = False

    for mode in ("replay", "auto", "record"):
        replayed = client(kit, mode)
        assert isinstance(replayed, CassetteModel)
        assert replayed.complete(request_).message.text == "two"
    assert len(factory.contexts) == made


@pytest.mark.parametrize("mode", ["record", "refresh", "live"])
def test_missing_key_is_told_before_the_trial(kit: Kit, factory: Factory, mode: str) -> None:
    """A trial that is sure to ask is skipped before it begins."""
    factory.has_key = False

    with pytest.raises(UnavailableError, match="no key: FAKE_API_KEY is not set"):
        client(kit, mode)


def test_auto_skips_what_is_not_recorded(kit: Kit, request_: Request) -> None:
    """With the same words for every trial; half a recording is none."""
    reason = (
        "fake/x is recorded, but not this trial; to record it, run with --codeact-mode=record and "
        "--codeact-budget=USD; with --codeact-mode=reference all trials are run by the reference model"
    )
    for _ in range(2):
        with pytest.raises(UnavailableError) as caught:
            client(kit, "auto")
        assert str(caught.value) == reason
        # A reply, and no end.
        client(kit, "record").complete(request_)


def test_recorded_trial_is_settled(kit: Kit, request_: Request) -> None:
    """A replay gives the seconds of the recording; a client of another kind is left alone."""
    ask(client(kit, "record"), request_)
    replayed = client(kit, "replay")
    trial = ask(replayed, request_)
    slower = replace(trial, record=replace(trial.record, turns=(replace(trial.record.turns[0], action_s=9.0),)))

    assert settled(replayed, slower) == trial
    assert settled(None, slower) is slower
    assert settled(ScriptedModel(), slower) is slower


def test_end_that_cannot_be_written_is_an_error_of_the_trial(kit: Kit, request_: Request) -> None:
    """What was measured is kept, and whoever asks for the trial is told."""
    made = client(kit, "record")
    made.complete(request_)
    (path,) = kit.cassettes.rglob("x.json")
    path.unlink()
    path.mkdir()
    (path / "in the way").touch()
    turn = Turn(index=0, model_s=1.0, waited_s=0, action_s=0.5, usage=None, tool_calls=0, visible_result_bytes=0)
    record = TrialRecord(
        scenario="s", arm="a", model="m", trial=1, mode="live", turns=(turn,), calls=(), ended="answered"
    )

    trial = settled(made, Trial(record=record, answer="two", state=None, messages=()))

    assert trial.record.ended == "error"
    assert trial.record.turns == (turn,)
    assert trial.failure is not None
    assert str(path) in str(trial.failure)


def test_scenario_is_named_in_its_error(kit: Kit) -> None:
    """The reference model needs a solution."""
    with pytest.raises(ScenarioError, match=r"^t\.py::test_x: the scenario has no reference solution"):
        client(kit, "auto", Case(arm="direct", model="reference"))

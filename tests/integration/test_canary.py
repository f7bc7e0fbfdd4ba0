"""Canaries: keys are planted wherever a run could pick one up, and looked for in every file and stream it writes."""

from __future__ import annotations

import re
from typing import Final

import pytest
from canaries import BY_SHAPE, BY_VALUE, LOGIN, QUERY, leaks

from pytest_codeact.journal import run_names

PROJECT = '''
import logging, os, sys, warnings
import pytest
from pytest_codeact import ToolError, tool
from pytest_codeact.errors import ProviderError

VALUES = [os.environ[name] for name in ("CANARY_API_KEY", "CANARY_PASSWORD", "CANARY_TOKEN", "CANARY_NAMED")]
SHAPES = [os.environ[name] for name in sorted(os.environ) if name.startswith("CARRIER_")]
ALL = VALUES + SHAPES
TEXT = " ; ".join(ALL)


class Vault:
    def __init__(self):
        self.seen = list(ALL)

    @tool
    def read(self, note: str) -> dict[str, str]:
        """Read what there is. Args: note: any."""
        if "VAULT_IS_LOUD" in os.environ:
            print("stdout", TEXT)
            print("stderr", TEXT, file=sys.stderr)
            logging.getLogger("vault").warning("log %s", TEXT)
        self.seen.append(note)
        return {"found": TEXT, "api_key": VALUES[0]}

    @tool
    def fail(self, note: str) -> str:
        """Fail. Args: note: any."""
        raise ToolError(f"refused: {note} {TEXT}")

    def end_state(self):
        return {"seen": self.seen}


def solve(tools):
    found = tools.read(note="all")["found"]
    try:
        tools.fail(note=found)
    except Exception as error:
        return str(error)


def harmless(tools):
    return "done"


PROMPT = f"Use {TEXT} well."


@pytest.mark.scenario(PROMPT, tools=Vault, reference=solve)
def test_snapshot(codeact_trial, codeact_snapshot):
    assert codeact_trial.outcome == codeact_snapshot


@pytest.mark.scenario(PROMPT, tools=Vault, reference=harmless)
def test_passes(codeact_trial):
    assert VALUES[0] in codeact_trial.state["seen"]
    assert VALUES[2] in codeact_trial.messages[0].text
    print("in the test", TEXT)


@pytest.mark.scenario(PROMPT, tools=Vault, reference=harmless)
def test_message(codeact_trial):
    local = dict(zip("abcdefgh", ALL))
    assert codeact_trial.answer == TEXT, f"not {TEXT}"


@pytest.mark.scenario(PROMPT, tools=Vault, reference=harmless)
def test_difference(codeact_trial):
    assert [TEXT + "a", *ALL] == [TEXT + "b", *ALL[:-1]]
    assert codeact_trial.answer


@pytest.mark.scenario(PROMPT, tools=Vault, reference=harmless)
def test_end_of_a_text(codeact_trial):
    assert "x" * 100 + VALUES[2] + "a" == "x" * 100 + VALUES[2] + "b"


@pytest.mark.scenario(PROMPT, tools=Vault, reference=harmless)
def test_warns(codeact_trial):
    warnings.warn(f"beware of {TEXT}", stacklevel=1)


@pytest.mark.scenario(PROMPT, tools=Vault, reference=harmless)
def test_chain(codeact_trial, record_property):
    record_property("key", TEXT)
    try:
        raise ValueError(TEXT)
    except ValueError as error:
        raise RuntimeError({"authorization": f"Bearer {VALUES[2]}", "x-api-key": SHAPES[0]}) from error


@pytest.mark.scenario(PROMPT, tools=Vault, reference=harmless)
def test_skips(codeact_trial):
    pytest.skip(TEXT)


@pytest.fixture
def broken_client():
    class Client:
        def complete(self, request):
            address = "https://user:canarylogin77@127.0.0.1/v1?key=canaryquery77"
            raise ProviderError(f"POST {address} headers={{'x-api-key': {SHAPES[0]!r}, 'authorization': {TEXT!r}}}")
    return Client()


class TestProvider:
    @pytest.fixture
    def codeact_client(self, broken_client):
        return broken_client

    @pytest.mark.scenario(PROMPT, tools=Vault, reference=harmless)
    def test_provider(self, codeact_trial):
        pass
'''
# Written as the address of a server it is a secret by its place; the text of this project is not to hold it.
PROJECT = PROJECT.replace("canarylogin77", '" + os.environ["CARRIED_LOGIN"] + "').replace(
    "canaryquery77", '" + os.environ["CARRIED_QUERY"] + "'
)

ADDRESS: Final = f"--codeact-base-url=https://user:{LOGIN}@127.0.0.1/v1?key={QUERY}"

RUNS: Final = {
    "plain": (),
    "workers": ("-n2",),
    "threads": ("--codeact-concurrency=2",),
    "both": ("-n2", "--codeact-concurrency=2"),
    "long": ("-l", "--tb=long", "-rA", "-vv"),
    "short": ("--tb=short", "-rA", "-l"),
    "native": ("--tb=native", "-rA"),
    "line": ("--tb=line", "-v"),
    "update": ("--snapshot-update", "-rA", "-v"),
    "workers_long": ("-n2", "-l", "-rA", "-vv"),
}


@pytest.fixture
def vault(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Make a project in which every part of a run meets a key."""
    pytester.makepyprojecttoml("[tool.pytest]\ncodeact_secrets = ['CANARY_NAMED']\n")
    pytester.makepyfile(test_vault=PROJECT)
    carried = {f"CARRIER_{index}": value for index, value in enumerate(BY_SHAPE.values())}
    for name, value in {**BY_VALUE, **carried, "CARRIED_LOGIN": LOGIN, "CARRIED_QUERY": QUERY}.items():
        monkeypatch.setenv(name, value)
    return pytester


@pytest.mark.parametrize("extra", RUNS.values(), ids=RUNS)
def test_no_canary_is_written_or_shown(
    vault: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, extra: tuple[str, ...]
) -> None:
    """No key that a run meets is in any file or stream of it, in any form."""
    if "--codeact-concurrency=2" not in extra:
        # What a thread prints while pytest captures nothing is on the terminal already: docs/secrets.md says so.
        monkeypatch.setenv("VAULT_IS_LOUD", "1")
    files = ("--junit-xml=junit.xml", "-o", "junit_logging=all", "--benchmark-json=run.json", "--benchmark-save=x")
    result = vault.runpytest_subprocess(*files, "--codeact-save-baseline=base.json", ADDRESS, *extra)
    text = result.stdout.str()

    assert leaks(vault.path, [text, result.stderr.str()]) == []
    assert "[redacted]" in text
    assert re.search(r"failed", text)
    assert (vault.path / "junit.xml").exists()
    assert (vault.path / "run.json").exists()


def test_no_canary_in_a_resumed_run(vault: pytest.Pytester) -> None:
    """Trials whose journal lines lost a secret are run again, and judged as before."""
    first = vault.runpytest_subprocess(ADDRESS)
    again = vault.runpytest_subprocess("--codeact-resume=last", ADDRESS, "-rA")
    text = again.stdout.str()

    assert leaks(vault.path, [first.stdout.str(), text, again.stderr.str()]) == []
    assert first.parseoutcomes() == again.parseoutcomes()
    assert "run again: a secret was taken out of what they hold" in text
    assert len(run_names(vault.path / ".codeact")) == 1


@pytest.mark.parametrize("scheme", ["https", "htps"])
def test_address_is_not_shown_by_a_usage_error(vault: pytest.Pytester, scheme: str) -> None:
    """An address that is refused is shown without what may be secret."""
    address = f"--codeact-base-url={scheme}://user:{LOGIN}@/v1?key={QUERY}"
    result = vault.runpytest_subprocess(address)

    assert leaks(vault.path, [result.stdout.str(), result.stderr.str()]) == []
    result.stderr.fnmatch_lines(["*--codeact-base-url: expected URL*://[[]redacted]@/v1?[[]redacted]'*"])


def test_truth_with_a_secret_is_refused(vault: pytest.Pytester) -> None:
    """A snapshot is not written from an outcome that holds a key, and the error says which and what to do."""
    result = vault.runpytest_subprocess("--snapshot-update", "-k", "test_snapshot")

    result.stdout.fnmatch_lines(["*outcome of its reference solution holds a secret (value of CANARY_*"])
    assert not (vault.path / "snapshots").exists()

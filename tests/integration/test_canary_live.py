"""Canaries in live runs: the vendors' SDKs against the emulator, in every mode, and keys wherever a run meets one."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest
from canaries import BY_SHAPE, BY_VALUE, KEYS, LOGIN, QUERY, leaks
from echo_server import EchoServer

from pytest_codeact.cassettes import cassette_files

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = '''
import logging, os, warnings
import pytest
from pytest_codeact import ToolError, tool

TEXT = " ; ".join(os.environ[name] for name in sorted(os.environ) if name.startswith(("CANARY_", "CARRIER_")))
LINES = " ; ".join(os.environ[name] for name in sorted(os.environ) if name.endswith("_API_KEY"))


class Vault:
    @tool
    def read(self, note: str) -> dict[str, str]:
        """Read what there is. Args: note: any."""
        return {"found": TEXT, "keys": LINES, "password": "swordfish-1", "note": note}

    @tool
    def fail(self, note: str) -> str:
        """Fail. Args: note: any."""
        raise ToolError(f"refused: {note} {TEXT}")


def solve(tools):
    # A value that has a name which says that it is a secret, and comes back from the model in an argument.
    found = tools.read(note="all")
    again = tools.read(note=found["password"])
    try:
        tools.fail(note=again["note"])
    except Exception as error:
        return {"password": again["note"]}


def harmless(tools):
    return tools.read(note="all")["note"]


PROMPT = f"Use {TEXT} and {LINES} well."


@pytest.mark.scenario(PROMPT, tools=Vault, reference=solve)
def test_passes(codeact_trial):
    assert codeact_trial.answer == {"password": "swordfish-1"} or "swordfish-1" in codeact_trial.answer
    assert TEXT in codeact_trial.messages[0].text


@pytest.mark.scenario(PROMPT + " again", tools=Vault, reference=harmless)
def test_fails(codeact_trial):
    local = {"headers": {"x-api-key": LINES}, "messages": codeact_trial.messages}
    warnings.warn(f"beware of {LINES}", stacklevel=1)
    logging.getLogger("vault").error("look %s", LINES)
    try:
        raise ValueError(LINES)
    except ValueError as error:
        assert codeact_trial.answer == LINES, f"not {LINES}"


@pytest.mark.scenario(PROMPT + " ECHO-401", tools=Vault, reference=harmless)
def test_unauthorized(codeact_trial):
    pass


@pytest.mark.scenario("Just ECHO-400", tools=Vault, reference=harmless)
def test_bad_request(codeact_trial):
    pass


@pytest.mark.scenario(PROMPT + " ECHO-HTML", tools=Vault, reference=harmless)
def test_page(codeact_trial):
    pass
'''

for package in ("anthropic", "openai", "mistralai", "google.genai", "uvicorn", "tiktoken"):
    pytest.importorskip(package)

LONG: Final = ("-l", "--tb=long", "-rA", "-vv", "--log-level=DEBUG", "-o", "faulthandler_timeout=60")
FILES: Final = ("--junit-xml=junit.xml", "-o", "junit_logging=all", "--benchmark-json=run.json", "--benchmark-save=x")


@pytest.fixture
def vault(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Make a project in which every part of a live run meets a key."""
    pytester.makepyprojecttoml("[tool.pytest]\ncodeact_secrets = ['CANARY_NAMED']\n")
    pytester.makepyfile(test_vault=PROJECT)
    carried = {f"CARRIER_{index}": value for index, value in enumerate(BY_SHAPE.values())}
    logs = {"ANTHROPIC_LOG": "debug", "OPENAI_LOG": "debug"}
    for name, value in {**BY_VALUE, **carried, **KEYS, **logs}.items():
        monkeypatch.setenv(name, value)
    for name in ("GOOGLE_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return pytester


@contextmanager
def served(project: pytest.Pytester, said: list[str]) -> Iterator[list[str]]:
    """Serve the project's scenarios by the command, behind an echo; gives pytest's options for it."""
    command = [sys.executable, "-m", "pytest_codeact", "serve"]
    with (
        (project.path / "serve.log").open("w") as log,
        subprocess.Popen(command, cwd=project.path, stdout=subprocess.PIPE, stderr=log, text=True) as server,
    ):
        assert server.stdout is not None
        try:
            said.append(server.stdout.readline())
            with EchoServer(said[-1].partition(" at ")[2].split()[0]) as echo:
                address = echo.url.replace("://", f"://user:{LOGIN}@")
                paths = {"anthropic": "anthropic", "mistral": "mistral", "openai": "openai/v1", "google": "google"}
                yield [
                    *(f"--codeact-model={name}/canary-model" for name in paths),
                    *(f"--codeact-base-url={name}={address}/{path}?key={QUERY}" for name, path in paths.items()),
                ]
        finally:
            server.terminate()
            said.append(server.stdout.read())


def commanded(project: pytest.Pytester, *words: str) -> str:
    """Run a command of the package; gives what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest_codeact", "cassettes", *words],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    return done.stdout + done.stderr


def test_no_canary_leaves_live_runs_with_n2(vault: pytest.Pytester) -> None:
    """No key is in any file or stream of runs that record, replay, refresh, ask live, are resumed, or only planned."""
    said: list[str] = []
    outcomes = []
    with served(vault, said) as options:
        half = [each for each in options if "mistral" in each or "anthropic" in each]
        for extra in (
            (*options, "--codeact-dry-run"),
            (*options, "--codeact-mode=record", "--codeact-save-baseline=base.json", *LONG, *FILES),
            (*options, "--codeact-mode=replay", "--codeact-concurrency=2", *LONG, *FILES),
            (*half, "--codeact-mode=refresh", "-n2", "--codeact-concurrency=2", *FILES),
            (*half, "--codeact-mode=live", "--tb=native", "-rA", "-l"),
            (*half, "--codeact-resume=last", "--tb=short", "-rA"),
        ):
            result = vault.runpytest_subprocess("-p", "no:cacheprovider", "--codeact-budget=none", *extra)
            outcomes.append(result.parseoutcomes())
            said += [result.stdout.str(), result.stderr.str()]
    said += [commanded(vault, *words) for words in (["list"], ["list", "--json"], ["scan"], ["verify"], ["prune"])]

    assert leaks(vault.path, said) == []
    assert len(list(cassette_files(vault.path / "cassettes"))) > 0
    counts = [(each.get("passed"), each.get("failed"), each.get("errors")) for each in outcomes[1:]]
    assert counts == [(8, 8, 24), (8, 8, 24), (4, 4, 12), (4, 4, 12), (4, 4, 12)]

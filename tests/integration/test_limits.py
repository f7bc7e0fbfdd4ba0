"""Runaway programs in a whole run: each costs its limit and nothing else."""

from __future__ import annotations

import pytest

RUNAWAY = '''
import pytest

from pytest_codeact.providers import Reply
from pytest_codeact.records import Message, ToolCall


class Runaway:
    """Runs a hostile program first, then answers with what it was shown."""

    def complete(self, request):
        if len(request.messages) == 1:
            call = ToolCall(id="1", name="run_code", arguments={{"code": {program!r}}})
            return Reply(message=Message(role="assistant", tool_calls=(call,)), stop="tool_calls")
        return Reply(message=Message(role="assistant", text=request.messages[-1].tool_results[0].content), stop="end")


@pytest.fixture
def codeact_client():
    return Runaway()
'''

SHOWN = """

@pytest.mark.scenario("Any.", tools=Shelf)
def test_shown(codeact_trial):
    turn = codeact_trial.record.turns[0]
    print("STATUS", *turn.code_statuses, "IN TIME", turn.action_s < 2.5)
    print(codeact_trial.answer)
"""


@pytest.mark.parametrize(
    ("program", "limit", "shown"),
    [
        (
            "while True: pass",
            "wall_s=1",
            ["STATUS limit IN TIME True", "time limit of 1 s exceeded at line 1: while True: pass"],
        ),
        ("x = 'a' * 10**9", "memory_bytes=300000000", ["STATUS * IN TIME True", "*emory*"]),
        ("while True: print('x' * 1000)", "hard_output_bytes=100000", ["STATUS limit IN TIME True", "*output*"]),
        ("while True: look('cup')", "tool_calls=20", ["STATUS limit IN TIME True", "*20*call*"]),
        (
            "x = 1\ny = 1 / 0",
            "wall_s=1",
            ["STATUS error IN TIME True", "*line 2*", "ZeroDivisionError: division by zero"],
        ),
    ],
)
def test_overrun_is_an_observation_and_the_run_goes_on(
    project: pytest.Pytester, program: str, limit: str, shown: list[str]
) -> None:
    """The model is told which limit its program met; the other scenarios pass."""
    project.makeconftest(RUNAWAY.format(program=program))
    shelf = project.path / "test_shelf.py"
    shelf.write_text(shelf.read_text() + SHOWN)
    result = project.runpytest_subprocess("-k", "shown", "--codeact-arms=code", f"--codeact-limit={limit}", "-rP")

    result.assert_outcomes(passed=1, deselected=2)
    result.stdout.fnmatch_lines(shown)


def test_limit_of_the_marker_wins(project: pytest.Pytester) -> None:
    """A scenario may set its own limits."""
    project.makeconftest(RUNAWAY.format(program="while True: pass"))
    shelf = project.path / "test_shelf.py"
    shelf.write_text(shelf.read_text() + SHOWN.replace("tools=Shelf", "tools=Shelf, limits={'wall_s': 0.5}"))
    result = project.runpytest_subprocess("-k", "shown", "--codeact-arms=code", "--codeact-limit=wall_s=60", "-rP")

    result.stdout.fnmatch_lines(["STATUS limit IN TIME True", "*0.5 s*"])

"""
The book of solutions: from the text of a task to the reference solution that carries it out.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pytest_codeact.providers.reference import check_solution

if TYPE_CHECKING:
    from pytest_codeact.providers import Solution


class Solutions:
    """What an emulator can do. Safe for threads."""

    def __init__(self) -> None:
        self._known: dict[str, Solution] = {}
        self._lock = threading.Lock()

    def learn(self, prompt: str, solution: Solution) -> None:
        """
        Take a solution in; it takes the place of another one of the same task.

        Args:
            prompt: The task, word for word as a client sends it as its first message.
            solution: What carries it out.

        Raises:
            SolutionError: The solution cannot drive every arm; see `check_solution`.
        """
        check_solution(solution.function)
        with self._lock:
            self._known[prompt] = solution

    def find(self, prompt: str) -> Solution | None:
        """Give the solution of a task. None if there is none."""
        with self._lock:
            return self._known.get(prompt)

    def __len__(self) -> int:
        return len(self._known)

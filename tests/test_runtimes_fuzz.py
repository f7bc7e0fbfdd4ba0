"""Random programs against the language layer alone: none of them holds what no program may hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "fuzz" / "policy.py"


def test_no_random_program_reaches_what_it_must_not() -> None:
    """Some thousand programs of a fixed seed, and every public attribute three steps from what programs are given."""
    command = [sys.executable, "-W", "ignore", str(SCRIPT), "--programs", "4000", "--seed", "1"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.stdout.splitlines()[-1:] == ["nothing reached"], done.stdout + done.stderr
    assert done.returncode == 0

"""
A pytest plugin for a process of its own: tells which scenarios, arms and providers a project has.

Loaded with `-p` by the command `cassettes prune`; hooks are found by their names, so that it need not import pytest.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

FILE_VARIABLE: Final = "PYTEST_CODEACT_COLLECTED"
"""Variable that names a file: it holds a list of models, and is given what was found."""


def pytest_collection_finish(session: Any) -> None:
    """Write down what there is."""
    from pytest_codeact.collection import case_of, scenario_id_of
    from pytest_codeact.errors import UnknownNameError
    from pytest_codeact.kit import Kit

    file = Path(os.environ[FILE_VARIABLE])
    kit = Kit.of(session.config)
    gone = []
    for model in json.loads(file.read_text("utf-8")):
        try:
            kit.registry.provider(model)
        except UnknownNameError:
            gone.append(model)
    scenarios = {scenario_id_of(item, kit.settings) for item in session.items if case_of(item) is not None}
    found = {"scenarios": sorted(scenarios), "arms": kit.registry.arms, "gone_models": gone}
    file.write_text(json.dumps(found), "utf-8")

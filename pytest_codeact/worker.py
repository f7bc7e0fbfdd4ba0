"""
The hooks of an xdist worker: whatever leaves it can be sent. Imported by every worker, so it is light.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    import warnings
    from collections.abc import Generator

IS_SCENARIO: Final = "is_codeact_scenario"
"""Attribute of every report of a scenario's test. Its keywords tell nothing: they hold names of directories too."""


class Worker:
    """
    The plugin that a worker registers.

    Args:
        config: The worker's.
    """

    def __init__(self, config: Any) -> None:
        self._config = config

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
        """Replace what cannot be sent in the report of a scenario."""
        form = yield
        if form is None or not isinstance(report, pytest.TestReport) or IS_SCENARIO not in vars(report):
            return form
        from pytest_codeact.shipping import sendable

        return {str(name): sendable(value) for name, value in form.items()}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Send what the run is going to ask of live models, if this is the worker to do so; before any test can run."""
        if self._config.workerinput.get("codeact_plans", False):
            from pytest_codeact.planning import plan_in_worker

            plan_in_worker(session)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Replace what cannot be sent in the text of a warning."""
        warning = warning_message.message
        try:
            str(warning).encode()
        except UnicodeEncodeError:
            from pytest_codeact.shipping import sendable_warning

            if isinstance(warning, Warning):
                warning_message.message = sendable_warning(warning)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """End the trials that run ahead, and let the controller know of them."""
        ahead, kit = sys.modules.get("pytest_codeact.ahead"), sys.modules.get("pytest_codeact.kit")
        if ahead is not None:
            self._config.workeroutput["codeact_ahead"] = ahead.end_ahead(self._config).to_json()
        known = None if kit is None else kit.Kit.get(self._config)
        if known is not None:
            # What ended since the last report.
            self._config.workeroutput["codeact_journal"] = known.journal.unsent()

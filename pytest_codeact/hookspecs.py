"""
The plugin's own hooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_codeact.registry import Registry


def pytest_codeact_register(registry: Registry) -> None:
    """
    Register arms, providers, runtimes and metrics.

    Called once per process, when the first scenario is collected or a name on the command line must be checked.
    Implement it in an installed plugin, or in a conftest that pytest loads at start-up: that of the root
    directory, of a directory in `testpaths` or of one named on the command line.

    Example::

        def pytest_codeact_register(registry):
            registry.add_arm("polite", PoliteArm)

    Args:
        registry: Takes the factories by name. A name that is taken is a ValueError.
    """

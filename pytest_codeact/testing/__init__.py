"""
The conformance suite of the runtime seam, for built-in runtimes and for a third party's.

`RuntimeConformance` is a class of tests to subclass; `survey` asks the same as a function and gives plain data; `Host`
is what hostile programs are let loose on. `python -m pytest_codeact.testing NAME ...` prints the table of runtimes.
"""

from __future__ import annotations

from pytest_codeact.testing._conformance import RuntimeConformance
from pytest_codeact.testing._effects import Footprint, Host
from pytest_codeact.testing._examine import Answer, Survey, survey

__all__ = ["Answer", "Footprint", "Host", "RuntimeConformance", "Survey", "survey"]

"""
Tools: what a scenario's world offers, how a model is told of it, and what becomes of its calls.

A world is a plain class whose methods decorated with `tool` are the tools. `Toolbox` binds one instance of it
to one trial; `python_api` and `typescript_api` write what a program is given; `FinalAnswer` is how a task ends.
"""

from __future__ import annotations

from pytest_codeact.tools._answer import FinalAnswer
from pytest_codeact.tools._declare import Tool, tool, tools_of
from pytest_codeact.tools._stub import PythonApi, python_api
from pytest_codeact.tools._toolbox import Toolbox, result_text
from pytest_codeact.tools._typescript import TypeScriptApi, typescript_api

__all__ = [
    "FinalAnswer",
    "PythonApi",
    "Tool",
    "Toolbox",
    "TypeScriptApi",
    "python_api",
    "result_text",
    "tool",
    "tools_of",
    "typescript_api",
]

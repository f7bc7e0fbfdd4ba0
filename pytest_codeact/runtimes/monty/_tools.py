"""
The prelude run in a new worker, and the module `tools` that comes of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes.monty._prelude import MODULE, RAW_NAME, prelude_source
from pytest_codeact.runtimes.monty._report import Feeds, traceback_text

if TYPE_CHECKING:
    from pytest_codeact.runtimes import Bindings, Limits
    from pytest_codeact.runtimes.monty._worker import Worker

_BIND_SOURCE: Final = f"{MODULE}.ToolError = ToolError\n"
"""A class of errors reaches an object of the host only from inside."""

_NAMES_ERROR: Final = re.compile(r"\.\s*ToolError\b")


class _Tools:
    """The module as an object of the host: for an attribute that it does not hold, the worker asks."""

    def __init__(self, held: dict[str, object]) -> None:
        self.__dict__.update(held)

    def __repr__(self) -> str:
        return f"<module {MODULE!r}>"


# What the worker calls it in the error for a name that it must not ask for.
_Tools.__name__ = "module"


class ToolModules:
    """
    The module `tools`, twice, as Monty can have no module that does both.

    An object of the host is asked for unknown names, so that a call of no tool gets the answer it gets everywhere;
    but each import makes a new one, without `ToolError`, which the host cannot hand over. An instance in the worker
    holds `ToolError`, and nothing can be asked of it.

    Args:
        asking: The object of the host.
        holding: The instance in the worker.
    """

    def __init__(self, asking: Any, holding: Any) -> None:
        self._asking = asking
        self._holding = holding

    def of(self, source: str, start: int) -> Any:
        """
        Give the one for an import.

        Args:
            source: The program.
            start: Offset of the import in it, in UTF-8 bytes.
        """
        statement = source.encode("utf-8", "surrogatepass")[start:]
        return self._holding if statement.startswith(b"from") or _NAMES_ERROR.search(source) else self._asking


def declare(worker: Worker, bindings: Bindings, limits: Limits) -> tuple[ToolModules, Feeds]:
    """
    Run the prelude.

    Returns:
        The module `tools`, and what the worker was fed for it.

    Raises:
        SandboxError: The declarations do not run, or the worker is gone.
    """
    from pydantic_monty import ClassInstance, MontyError, MontyRuntimeError, MontySyntaxError

    def raw() -> None: ...

    raw.__name__ = RAW_NAME
    feeds = Feeds()
    try:
        source, names = prelude_source(bindings.functions, bindings.declarations, limits)
        feeds.add(source)
        holding, *held = worker.session.feed_run(source, inputs={"_codeact_raw": raw}, external_lookup={})
        values = dict(zip(names, held, strict=True))
        asking = ClassInstance(_Tools(values), eager_attrs=names, lazy_attrs="all")
        feeds.add(_BIND_SOURCE)
        worker.session.feed_run(_BIND_SOURCE, inputs={MODULE: asking}, external_lookup={})
    except SyntaxError as error:
        raise SandboxError(f"the declarations do not run in the sandbox:\nSyntaxError: {error}") from error
    except (MontyRuntimeError, MontySyntaxError) as error:
        text = traceback_text(error, feeds)
        raise SandboxError(f"the declarations do not run in the sandbox:\n{text}") from error
    except (MontyError, RuntimeError) as error:
        raise SandboxError(f"the sandbox process did not start: {error}") from error
    return ToolModules(asking, holding), feeds

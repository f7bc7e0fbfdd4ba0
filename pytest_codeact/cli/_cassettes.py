"""
The command `cassettes`: what is recorded, what of it is no longer needed, what is damaged, what is secret.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_codeact.cli._exit import FAILED, PASSED, misused, written
from pytest_codeact.cli._library import Library, Sums, secrets_in
from pytest_codeact.redaction import Redactor
from pytest_codeact.reports import wrapped
from pytest_codeact.reports._cells import UNKNOWN, as_json, short_names, table, usd_decimals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_codeact.cassettes import Cassette

_DESCRIPTION: Final = """\
Look after the recordings of live models."""

_EPILOG: Final = """\
examples:
  python -m pytest_codeact cassettes list
  python -m pytest_codeact cassettes prune --older-than 90
  python -m pytest_codeact cassettes prune --yes
  python -m pytest_codeact cassettes scan && git add cassettes
  python -m pytest_codeact cassettes verify

exit codes:
  0  done, and nothing is wrong
  1  a file is damaged, or holds what looks like a secret
  2  an argument or a directory cannot be read, or the output not be written"""

_PRUNE: Final = """\
Delete recordings that are no longer needed.
Without --yes it is only shown what would be deleted. Without a criterion:
what is of a scenario that pytest does not collect here, or of an arm or
provider that nobody registers."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command, its own commands and their arguments."""
    cassettes = commands.add_parser(
        "cassettes",
        help="list, prune, scan and verify the recordings of live models",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = cassettes.add_subparsers(title="commands", dest="action", required=True, metavar="COMMAND")
    listing = _action(actions, "list", _list, "Show what is recorded: tokens and dollars are sums over all trials.")
    listing.add_argument("--json", action="store_true", help="for programs")
    _add_prune(actions)
    _action(actions, "scan", _scan, "Look for secrets in the recordings; none is ever shown.")
    _action(actions, "verify", _verify, "Check that every recording can be read and is what was recorded.")


def run(given: argparse.Namespace) -> int:
    """Do it; gives the exit code."""
    root = Path(given.dir)
    if not root.is_dir():
        return misused(f"no directory {given.dir!r}; name that of the recordings with --dir")
    do: Callable[[argparse.Namespace, Library], int] = given.do
    return do(given, Library.read(root))


def _add_prune(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    prune = _action(actions, "prune", _prune, _PRUNE)
    prune.add_argument("tests", nargs="*", metavar="TESTS", help="what pytest collects; default: as its ini file says")
    prune.add_argument("--yes", action="store_true", help="delete")
    prune.add_argument("--gone", action="store_true", help="what nobody has any more, beside other criteria")
    prune.add_argument("--arm", action="append", default=[], help="everything of an arm; may be repeated")
    prune.add_argument(
        "--model", metavar="PROVIDER/MODEL", action="append", default=[], help="everything of a model; may be repeated"
    )
    prune.add_argument("--trials", metavar="N", type=_count, help="trials beyond the first N")
    prune.add_argument("--older-than", metavar="DAYS", type=_count, help="trials recorded more than so many days ago")


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    do: Callable[[argparse.Namespace, Library], int],
    description: str,
) -> argparse.ArgumentParser:
    action = actions.add_parser(
        name,
        help=re.split(r"[:;.\n]", description)[0].lower(),
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    action.set_defaults(run=run, do=do)
    action.add_argument("--dir", default="cassettes", help="directory of the recordings; default: %(default)s")
    return action


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1; got {text!r}")
    return int(text)


def _list(given: argparse.Namespace, library: Library) -> int:
    code = FAILED if library.unreadable else PASSED
    if given.json:
        rows = [{**_names(each), **Sums.of(each).as_json()} for each in library.cassettes.values()]
        return written([as_json({"cassettes": rows, "unreadable": list(library.unreadable)})], code)
    width = shutil.get_terminal_size().columns
    lines = [line for model in library.models for line in _listed(library, model)]
    lines += [line for each in library.unreadable for line in wrapped(f"cannot read: {each}", width)]
    return written(lines or ["nothing is recorded"], code)


def _listed(library: Library, model: str) -> Iterator[str]:
    width = shutil.get_terminal_size().columns
    cassettes = [each for each in library.cassettes.values() if each.model == model]
    sums = [Sums.of(each) for each in cassettes]
    sdks = ", ".join(sorted({sdk for each in sums for sdk in each.sdks}))
    if model != library.models[0]:
        yield ""
    whose = "; replies of the emulator's reference policy, no LLM" if any(each.reference for each in sums) else ""
    yield from wrapped(f"{model}, recorded with {sdks or 'no known SDK'}{whose}", width)
    names = short_names([each.scenario for each in cassettes])
    rows: list[Sequence[str]] = [("scenario", "arm", "trials", "requests", "tokens", "USD", "date")]
    decimals = usd_decimals(max((each.cost_usd or 0.0 for each in sums), default=0.0))
    rows += [
        (
            names[cassette.scenario],
            cassette.arm,
            str(each.trials),
            str(each.requests),
            UNKNOWN if each.tokens is None else f"{each.tokens:,}",
            UNKNOWN if each.cost_usd is None else f"{each.cost_usd:,.{decimals}f}",
            each.date[:10],
        )
        for cassette, each in zip(cassettes, sums, strict=True)
    ]
    yield from table(rows, text_columns=2, width=width)
    if unended := sum(each.incomplete for each in sums):
        yield from wrapped(f"not recorded to their end: {unended}; --codeact-mode=record goes on with them", width)


def _names(cassette: Cassette) -> dict[str, str]:
    return {"scenario": cassette.scenario, "arm": cassette.arm, "model": cassette.model}


def _prune(given: argparse.Namespace, library: Library) -> int:
    from pytest_codeact.cli._pruning import CollectError, Criteria, prune

    has_criterion = bool(given.arm or given.model or given.trials or given.older_than)
    try:
        criteria = Criteria.of(
            library,
            tests=given.tests,
            gone=given.gone or not has_criterion,
            arms=given.arm,
            models=given.model,
            trials=given.trials,
            older_than_days=given.older_than,
        )
        pruned = prune(library, criteria, deletes=given.yes)
    except (CollectError, OSError) as error:
        return misused(str(error))
    width = shutil.get_terminal_size().columns
    lines = [line for each in pruned.lines for line in wrapped(each, width)]
    verb = "deleted" if given.yes else "to delete"
    advice = "" if given.yes or not pruned.trials else "; give --yes to do it"
    lines += [f"{pruned.trials} recorded trial{'' if pruned.trials == 1 else 's'} {verb}{advice}"]
    lines += [line for each in library.unreadable for line in wrapped(f"left alone: {each}", width)]
    return written(lines, FAILED if library.unreadable else PASSED)


def _scan(given: argparse.Namespace, library: Library) -> int:
    del given
    redactor = Redactor.of(os.environ)
    found = [
        f"{path}: {each}" for path, cassette in library.cassettes.items() for each in secrets_in(cassette, redactor)
    ]
    found += [f"cannot read: {each}" for each in library.unreadable]
    width = shutil.get_terminal_size().columns
    lines = [line for each in found for line in wrapped(each, width)]
    lines += [f"scanned: {len(library.cassettes)}; found: {len(found)}"]
    if found:
        lines += wrapped(
            "take what is a secret out of what the model is given, delete the file and record it again; a key that was "
            "committed or shared is no secret any more: replace it at its provider",
            width,
        )
    return written(lines, FAILED if found else PASSED)


def _verify(given: argparse.Namespace, library: Library) -> int:
    del given
    problems = list(library.problems())
    width = shutil.get_terminal_size().columns
    lines = [line for each in problems for line in wrapped(each, width)]
    lines += [f"verified: {len(library.cassettes) + len(library.unreadable)}; problems: {len(problems)}"]
    return written(lines, FAILED if problems else PASSED)

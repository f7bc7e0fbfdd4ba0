"""
The page of docs that says what each runtime accepts and contains, made from surveys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_codeact.testing._examine import Answer, Survey

_HEAD: Final = """\
# What each runtime accepts and contains

Made by `python -m pytest_codeact.testing {names}`; do not edit. Every line is a program or a
promise of the conformance suite `pytest_codeact.testing`, which a runtime of your own runs as well:

```python
from pytest_codeact.testing import RuntimeConformance

class TestMyRuntime(RuntimeConformance):
    def make_runtime(self):
        return MyRuntime()
```
"""

_TITLES: Final = {
    "honest": ("Honest programs", "Whether a program that uses the feature runs and prints what it should."),
    "hostile": (
        "Hostile programs",
        "Whether the program is contained, judged by what it did to files, listeners, processes, memory and tools.",
    ),
    "limits": ("Limits", "Whether a program that uses more than it may is stopped, and the model told by what."),
    "promise": ("Promises of the seam", "Whether what every runtime promises is kept."),
}

_CELLS: Final = {
    "honest": {"kept": "yes", "refused": "no", "broken": "another result"},
    "hostile": {"kept": "contained", "broken": "NOT CONTAINED"},
    "limits": {"kept": "holds", "refused": "refused", "broken": "DOES NOT HOLD"},
    "promise": {"kept": "kept", "refused": "not kept"},
}
"""What stands for a verdict, by kind."""

_LANGUAGES: Final = {"python": "Python", "typescript": "TypeScript"}


def page(surveys: Mapping[str, Survey]) -> str:
    """Give the page: surveys by the name of the runtime, in the order of the columns."""
    return "\n".join([_HEAD.format(names=" ".join(surveys)), *_languages(surveys)])


def cell(answer: Answer) -> str:
    """Give what the page says of an answer."""
    return _CELLS[answer.kind][answer.verdict]


def _languages(surveys: Mapping[str, Survey]) -> Iterator[str]:
    for language in dict.fromkeys(survey.language for survey in surveys.values()):
        yield f"## {_LANGUAGES.get(language, language)}\n"
        columns = {name: survey for name, survey in surveys.items() if survey.language == language}
        for kind, (title, remark) in _TITLES.items():
            yield f"### {title}\n\n{remark}\n"
            yield from _table(kind, columns)


def _table(kind: str, columns: Mapping[str, Survey]) -> Iterator[str]:
    cells = {name: [cell(each) for each in survey.answers if each.kind == kind] for name, survey in columns.items()}
    first = next(iter(columns.values()))
    names = [each.name for each in first.answers if each.kind == kind]
    yield f"| {kind} | {' | '.join(cells)} |"
    yield "|---" * (1 + len(cells)) + "|"
    for index, name in enumerate(names):
        yield f"| {name} | {' | '.join(column[index] for column in cells.values())} |"
    good = [sum(text == _CELLS[kind]["kept"] for text in column) for column in cells.values()]
    yield f"| **together** | {' | '.join(f'{count} of {len(names)}' for count in good)} |\n"

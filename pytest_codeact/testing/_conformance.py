"""
The suite as a class of tests, to be subclassed by whoever makes a runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from pytest_codeact.testing._effects import Host
from pytest_codeact.testing._examine import examine, expectations, warm_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_codeact.runtimes import Runtime
    from pytest_codeact.testing._examine import Answer


class RuntimeConformance:
    """
    Tests of a runtime: honest, hostile and limit programs, and the promises of the seam.

    For example::

        from pytest_codeact.testing import RuntimeConformance

        class TestMyRuntime(RuntimeConformance):
            def make_runtime(self):
                return MyRuntime()

    Attributes:
        language: What it runs: "python" or "typescript".
        refuses: What it does not accept or promise, by the name of the program or promise, each with the reason. The
            test then asserts that it is refused, and truthfully: a refusal that has become acceptance is a failure.
            What a hostile program does cannot be declared away.
        differs: Honest programs that run and give another result than the language's own implementation, by name, each
            with what differs. The test then asserts that it does.
    """

    language: ClassVar[str] = "python"
    refuses: ClassVar[Mapping[str, str]] = {}
    differs: ClassVar[Mapping[str, str]] = {}

    def make_runtime(self) -> Runtime:
        """Make the runtime. Called more than once; the suite closes what it is given."""
        raise NotImplementedError(f"{type(self).__name__} must define make_runtime(self), which makes the runtime")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give each test the names that its kind has in the runtime's language."""
        if "expectation" in metafunc.fixturenames:
            asked_kind = metafunc.function.__name__.removeprefix("test_").partition("_")[0]
            kinds = expectations(self.language)
            metafunc.parametrize("expectation", [name for kind, name in kinds if kind == asked_kind])

    @pytest.fixture(scope="class")
    @classmethod
    def ask(cls) -> Iterator[Callable[[str], Answer]]:
        """Give a function that asks one thing of the runtime."""
        make = cls().make_runtime
        runtime = make()
        with Host() as host:
            try:
                warm_up(runtime, host)
                yield lambda name: examine(make, runtime, host, name)
            finally:
                runtime.close()

    def test_language(self) -> None:
        """The runtime runs what the class says, and what is declared as refused or different exists."""
        runtime = self.make_runtime()
        runtime.close()
        asked = expectations(self.language)
        unknown = {
            "refuses": sorted(set(self.refuses) - {name for kind, name in asked if kind != "hostile"}),
            "differs": sorted(set(self.differs) - {name for kind, name in asked if kind == "honest"}),
        }

        if runtime.language != self.language:
            pytest.fail(
                f"{type(self).__name__}.language is {self.language!r} and the runtime's is {runtime.language!r}",
                pytrace=False,
            )
        for declaration, names in unknown.items():
            if names:
                pytest.fail(
                    f"{type(self).__name__}.{declaration} names what the suite does not ask: {names}", pytrace=False
                )

    def test_honest_program(self, expectation: str, ask: Callable[[str], Answer]) -> None:
        """It prints and gives what it should."""
        self._judge(ask(expectation))

    def test_hostile_program(self, expectation: str, ask: Callable[[str], Answer]) -> None:
        """It is contained."""
        self._judge(ask(expectation))

    def test_limits_hold(self, expectation: str, ask: Callable[[str], Answer]) -> None:
        """It is stopped in time, and the model is told by what."""
        self._judge(ask(expectation))

    def test_promise_is_kept(self, expectation: str, ask: Callable[[str], Answer]) -> None:
        """The seam's promise is kept."""
        self._judge(ask(expectation))

    def _judge(self, answer: Answer) -> None:
        declared = {"refused": self.refuses.get(answer.name), "broken": self.differs.get(answer.name)}
        if answer.verdict != "kept" and declared[answer.verdict] is None:
            pytest.fail(f"{answer.name}: {answer.detail}", pytrace=False)
        for verdict, declaration in (("refused", "refuses"), ("broken", "differs")):
            if declared[verdict] is not None and answer.verdict != verdict:
                pytest.fail(
                    f"{answer.name} is {answer.verdict} now; take it out of {type(self).__name__}.{declaration}: "
                    f"{declared[verdict]!r}",
                    pytrace=False,
                )

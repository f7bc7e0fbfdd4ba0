"""Names and what stands behind them."""

from __future__ import annotations

import pytest

from pytest_codeact.arms.code import CodeArm
from pytest_codeact.arms.direct import DirectArm
from pytest_codeact.errors import ChoiceError, UnknownNameError
from pytest_codeact.measure import METRICS, Metric
from pytest_codeact.registry import Registry, register_builtins
from pytest_codeact.runtimes.restricted import RestrictedRuntime


@pytest.fixture
def registry() -> Registry:
    """Give a registry with the built-ins."""
    registry = Registry()
    register_builtins(registry)
    return registry


def test_built_in_arms_are_made_anew_for_every_trial(registry: Registry) -> None:
    """A factory gives a fresh arm each time, because an arm keeps its trial's state."""
    first, second = registry.arm("code")(), registry.arm("code")()

    assert isinstance(first, CodeArm)
    assert first is not second
    assert isinstance(registry.arm("direct")(), DirectArm)
    assert isinstance(registry.arm("direct-serial")(), DirectArm)


def test_provider_is_named_by_what_stands_before_the_slash(registry: Registry) -> None:
    """The rest of the name is the provider's own, further slashes included."""
    registry.add_provider("mine", lambda context: (_ for _ in ()).throw(AssertionError(context)))

    assert registry.provider("reference")[1] == ""
    assert registry.provider("mine/org/model-1")[1] == "org/model-1"


def test_provider_that_knows_its_models_refuses_others(registry: Registry) -> None:
    """A slip in a model's name is found before anything runs."""
    with pytest.raises(UnknownNameError) as caught:
        registry.provider("reference/clumsy")

    assert str(caught.value) == (
        "unknown model 'reference/clumsy'; known models: 'reference', 'reference/buggy-program', "
        "'reference/early-answer', 'reference/unknown-tool', 'reference/wrong-argument'"
    )
    assert registry.provider("reference/early-answer")[1] == "early-answer"


def test_live_model_is_named(registry: Registry) -> None:
    """A vendor alone is no model: asked for it, the run would end in errors, or be one of the reference model."""
    for name in ("anthropic", "openai/"):
        with pytest.raises(ChoiceError, match=rf"^no model of '\w+' is named; got '{name}', expected PROVIDER/MODEL"):
            registry.provider(name)


def test_metrics_are_listed_in_order(registry: Registry) -> None:
    """Built-ins come first, others as they register."""
    mine = Metric(name="mine", title="mine", unit="", value=lambda _: 1)
    registry.add_metric(mine)

    assert registry.metrics == (*METRICS, mine)
    assert registry.metric("mine") is mine


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        ("arm", "'code', 'code-ts', 'direct', 'direct-serial'"),
        ("provider", "'anthropic', 'google', 'mistral', 'openai', 'reference'"),
        ("runtime", "'deno', 'monty', 'restricted'"),
        ("metric", ", ".join(sorted(repr(metric.name) for metric in METRICS))),
    ],
)
def test_unknown_name_lists_the_known_ones(registry: Registry, kind: str, known: str) -> None:
    """Looking up a name that nobody registered says what there is and what to do."""
    with pytest.raises(UnknownNameError) as caught:
        getattr(registry, kind)("nope")

    assert str(caught.value) == (
        f"unknown {kind} 'nope'; known {kind}s: {known}; register others with the hook pytest_codeact_register"
    )


def test_arms_say_what_they_write(registry: Registry) -> None:
    """An arm that runs no programs has no language."""
    registry.add_arm("mine", CodeArm)

    assert {name: registry.language(name) for name in registry.arms} == {
        "direct": None,
        "direct-serial": None,
        "code": "python",
        "code-ts": "typescript",
        "mine": None,
    }


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ([], {"python": "restricted", "typescript": "deno"}),
        ([()], {"python": "restricted", "typescript": "deno"}),
        ([("bun",)], {"python": "restricted", "typescript": "bun"}),
        ([("bun", "mine")], {"python": "mine", "typescript": "bun"}),
        ([("mine", "ruby")], {"python": "mine", "typescript": "deno", "ruby": "ruby"}),
        ([("mine", "bun"), ("restricted",)], {"python": "restricted", "typescript": "bun"}),
    ],
)
def test_each_language_has_one_runtime(
    registry: Registry, choices: list[tuple[str, ...]], expected: dict[str, str]
) -> None:
    """What is not chosen has its default; a later choice replaces an earlier one, language by language."""
    registry.add_runtime("mine", RestrictedRuntime)
    registry.add_runtime("bun", RestrictedRuntime, language="typescript")
    registry.add_runtime("ruby", RestrictedRuntime, language="ruby")

    assert list(registry.runtimes(*choices).items()) == list(expected.items())


def test_two_runtimes_of_a_language_are_no_choice(registry: Registry) -> None:
    """Programs of a language run in one place."""
    registry.add_runtime("mine", RestrictedRuntime)
    with pytest.raises(ChoiceError) as caught:
        registry.runtimes(("restricted", "mine"))

    assert str(caught.value) == "'restricted' and 'mine' both run python; name one per language"


def test_name_can_be_taken_once(registry: Registry) -> None:
    """A second entry under a name is refused."""
    with pytest.raises(ValueError, match=r"^arm 'code' is already registered; choose another name$"):
        registry.add_arm("code", CodeArm)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a,b", "[x]", "-a", "a--b"])
def test_name_must_fit_a_command_line_and_a_node_id(registry: Registry, name: str) -> None:
    """What would break an option, a node id or PROVIDER/MODEL is refused."""
    with pytest.raises(ValueError, match="allowed: letters and digits, with single '-' or '_' between") as caught:
        registry.add_runtime(name, lambda: (_ for _ in ()).throw(AssertionError))

    assert str(caught.value).startswith(f"bad runtime name {name!r}; ")

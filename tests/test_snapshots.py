"""
Snapshots, by themselves and through syrupy in a session of their own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.errors import ScenarioError
from pytest_codeact.snapshots import EXPLAINED_LINES, Written, snapshot_path, write_agreed
from pytest_codeact.snapshots.compare import as_json, as_text, differences

if TYPE_CHECKING:
    from pytest_codeact.records import Json

ROOT = Path(__file__).parent.parent

CONFTEST = """
import json
import pytest
from pytest_codeact import snapshots

SHARED = pytest.StashKey()
TRUTH = pytest.StashKey()

def pytest_addoption(parser):
    parser.addoption("--arms", default="direct,code")

def pytest_configure(config):
    config.addinivalue_line("markers", "reference(truth, tolerance): what the reference solution gives")
    config.stash[SHARED] = ([], set())

def pytest_generate_tests(metafunc):
    if "arm" in metafunc.fixturenames:
        metafunc.parametrize("arm", metafunc.config.getoption("arms").split(","))

pytest_generate_tests = pytest.hookimpl(trylast=True)(pytest_generate_tests)

def scenario_of(item):
    arm = item.callspec.params["arm"]
    return item.nodeid.replace(f"[{arm}]", "").replace(f"-{arm}]", "]")

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    ours = [item for item in items if "codeact_snapshot" in item.fixturenames]
    snapshots.keep(config, root=config.rootpath / "snapshots", scenarios=map(scenario_of, ours))

@pytest.fixture
def codeact_snapshot(request, snapshot):
    marker = request.node.get_closest_marker("reference")
    truth = marker and marker.args[0]
    def report(value):
        request.node.stash[TRUTH] = value
    request.node.stash[SHARED] = found = snapshots.ground_truth(
        snapshot,
        scenario=scenario_of(request.node),
        root=request.config.rootpath / "snapshots",
        tolerance=marker.kwargs.get("tolerance", 0.0) if marker else 0.0,
        truth=marker and (truth if callable(truth) else lambda: truth),
        report=report,
    )
    return found

def pytest_assertrepr_compare(config, op, left, right):
    if isinstance(right, snapshots.GroundTruth):
        return right.explain(left)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if "codeact_snapshot" in item.fixturenames:
        report.codeact = json.dumps([scenario_of(item), item.stash.get(TRUTH, None)])
    return report

class Controller:
    def __init__(self, config):
        self.config, self.agreed, self.refused = config, [], set()

    def pytest_runtest_logreport(self, report):
        if hasattr(report, "codeact"):
            scenario, truth = json.loads(report.codeact)
            if report.failed or report.when == "call" and truth is None:
                self.refused.add(scenario)
            elif report.when == "call":
                self.agreed.append((scenario, truth))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        if error:
            snapshots.distrust_unused(self.config)

    def pytest_terminal_summary(self, terminalreporter):
        if self.config.option.update_snapshots:
            written = snapshots.write_agreed(
                self.config.rootpath / "snapshots", agreed=self.agreed, refused=self.refused
            )
            terminalreporter.write_line(str(written))

def pytest_sessionstart(session):
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Controller(session.config))
"""
"""Plays the plugin's part."""

TWO = """
import pytest

@pytest.mark.reference({"total": 5})
def test_one(arm, codeact_snapshot):
    assert {"total": 5.0 if arm == "code" else 5} == codeact_snapshot

@pytest.mark.reference({"total": 7})
def test_two(arm, codeact_snapshot):
    assert {"total": 7} == codeact_snapshot
"""
"""A module of two scenarios on which both arms are right."""


class Project:
    """A project with the conftest above, and how to run it."""

    def __init__(self, pytester: pytest.Pytester, *options: str) -> None:
        self.pytester = pytester
        self.options = options
        pytester.makeconftest(CONFTEST)

    def module(self, text: str, name: str = "test_it") -> None:
        self.pytester.makepyfile(**{name: text})

    def store(self, test: str, value: Json, module: str = "test_it") -> Path:
        path = self.pytester.path / "snapshots" / module / f"{test}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_text(value))
        return path

    def stored(self) -> dict[str, Json]:
        root = self.pytester.path / "snapshots"
        return {
            path.relative_to(root).as_posix(): json.loads(path.read_text()) for path in sorted(root.rglob("*.json"))
        }

    def run(self, *args: str) -> pytest.RunResult:
        fixed = ("-p", "no:cacheprovider", "-p", "no:codeact", "-p", "no:benchmark", "--strict-markers")
        return self.pytester.runpytest_subprocess(*fixed, *self.options, *args)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let inner runs import the package under test."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(params=[(), ("-n2",)], ids=["plain", "n2"])
def project(request: pytest.FixtureRequest, pytester: pytest.Pytester) -> Project:
    """A project that runs in one process, then over two workers."""
    return Project(pytester, *request.param)


@pytest.fixture
def plain(pytester: pytest.Pytester) -> Project:
    """A project that runs in one process."""
    return Project(pytester)


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("a/b/test_x.py::test_y", "test_x/test_y.json"),
        ("test_x.py::TestA::TestB::test_y", "test_x/TestA.TestB.test_y.json"),
        ("test_x.py::test_y[red-1.5]", "test_x/test_y[red-1.5].json"),
        ("test_x.py::TestA::test_y[a::b/c]", "test_x/TestA.test_y[abc].json"),
        ("test_x.py::test_y[" + "é" * 200 + "]", "test_x/test_y[" + "é" * 121 + ".json"),
    ],
)
def test_snapshot_path_names_module_and_test(scenario: str, expected: str) -> None:
    """A snapshot lies in a directory of its module, under a name that file systems take."""
    path = snapshot_path(Path("/p/snapshots"), scenario)

    assert path == Path("/p/snapshots") / expected


@pytest.mark.parametrize(
    ("expected", "got", "tolerance", "equal"),
    [
        (13000, 13000.0, 0.0, True),
        (0.1 + 0.2, 0.3, 0.0, False),
        (0.1 + 0.2, 0.3, 1e-9, True),
        (100, 100.5, 0.5, True),
        (100, 100.5, 0.49, False),
        (100, 100.004, 0.005, True),
        (100, 99.994, 0.005, False),
        (-0.0, 0, 0.0, True),
        (1, True, 1.0, False),
        (True, 1, 1.0, False),
        (True, True, 0.0, True),
        (0, None, 1.0, False),
        (None, None, 0.0, True),
        ("5", 5, 5.0, False),
        ("a", "a", 0.0, True),
        (5, float("nan"), 1e9, False),
        (5, float("inf"), 1e9, False),
        (10**400, 1.5, 1e9, False),
        (10**400, 10**400, 0.0, True),
        ([1, 2], [2, 1], 0.0, False),
        ([1, 2], [1], 0.0, False),
        ([], {}, 0.0, False),
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}, 0.0, True),
        ({"a": 1}, {"a": 1, "b": None}, 0.0, False),
        ({"a": [{"b": 1.0}]}, {"a": [{"b": 1.004}]}, 0.005, True),
    ],
)
def test_differences_are_structural(expected: Json, got: Json, tolerance: float, *, equal: bool) -> None:
    """Numbers compare by value within the tolerance, a bool is none of them, and only lists have an order."""
    found = list(differences(expected, got, tolerance))

    assert (found == []) == equal


def test_differences_name_paths() -> None:
    """Every difference is one line that begins with where it is."""
    expected: Json = {"state": {"accounts": {"checking": 7175, "my savings": 1, "old": 0}, "rows": [{"a": 1}, [2]]}}
    got: Json = {"state": {"accounts": {"checking": 7125, "my savings": "1", "new": []}, "rows": [{"a": 2}, [2]]}}

    assert list(differences(expected, got)) == [
        "state.accounts.checking: expected 7175, got 7125",
        'state.accounts["my savings"]: expected 1, got "1"',
        "state.accounts.new: unexpected []",
        "state.accounts.old: missing, expected 0",
        "state.rows[0].a: expected 1, got 2",
    ]


def test_differences_of_the_top_say_outcome() -> None:
    """A difference of the whole has a name too."""
    assert list(differences({}, None)) == ["outcome: expected {}, got null"]
    assert next(differences([1], [])) == "outcome: expected 1 entries, got 0"


def test_differences_align_lists() -> None:
    """A dropped entry is one line, an added one is another, and a changed one is compared in place."""
    rows: list[Json] = [{"id": number, "cost": number * 1.5} for number in range(6)]
    got: list[Json] = [*rows[:1], *rows[2:4], {"id": 4, "cost": 7}]

    assert list(differences({"rows": rows}, {"rows": got})) == [
        "rows: expected 6 entries, got 4",
        'rows[1]: missing, expected {"cost": 1.5, "id": 1}',
        "rows[4].cost: expected 6.0, got 7",
        'rows[5]: missing, expected {"cost": 7.5, "id": 5}',
    ]
    assert list(differences({"rows": rows[:1]}, {"rows": [*rows[:1], 8]})) == [
        "rows: expected 1 entries, got 2",
        "rows[1]: unexpected 8",
    ]


def test_differences_keep_the_tolerance_in_lists_of_unlike_length() -> None:
    """An entry that is equal within the tolerance is not listed because another one is missing."""
    assert list(differences([1.0, 2], [1.004], tolerance=0.005)) == [
        "outcome: expected 2 entries, got 1",
        "[1]: missing, expected 2",
    ]


def test_differences_cut_long_values() -> None:
    """A value is shown with at most 80 characters."""
    (line,) = differences("x" * 100, "y")

    assert line == 'outcome: expected "' + "x" * 76 + '..., got "y"'


def test_text_is_stable() -> None:
    """Keys are sorted, floats without a fraction are integers, and nothing is escaped."""
    text = as_text({"b": [13000.0, -0.0, 1.5], "a": {"ü": True, "big": 1e300}})

    assert text == (
        '{\n  "a": {\n    "big": 1e+300,\n    "ü": true\n  },\n  "b": [\n    13000,\n    0,\n    1.5\n  ]\n}\n'
    )


def test_as_json_copies() -> None:
    """Tuples become lists at every depth, and other JSON values stay as they are."""
    assert as_json({"a": (1, (2.5, None)), "b": [True, "x"]}, "it") == {"a": [1, [2.5, None]], "b": [True, "x"]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": {1: 2}}, "it.a has the key 1; a snapshot holds JSON, where keys are str"),
        (
            {"a": [0, {3}]},
            "it.a[1] is {3} of type set; a snapshot holds JSON: None, bool, int, float, str, list and dict",
        ),
        (
            {"a b": float("nan")},
            'it["a b"] is nan; a snapshot holds JSON, which knows finite numbers only',
        ),
    ],
)
def test_as_json_refuses(value: object, message: str) -> None:
    """What JSON does not know is an error that names its place."""
    with pytest.raises(ScenarioError) as caught:
        as_json(value, "it", finite=True)

    assert str(caught.value) == message


def test_as_json_lets_a_model_answer_nan() -> None:
    """An answer that is no number is a wrong answer, not the author's mistake."""
    assert str(as_json(float("nan"), "it")) == "nan"


def test_write_agreed_writes_only_what_all_agree_on(tmp_path: Path) -> None:
    """A scenario is written if all its trials have one truth and none is refused."""
    root = tmp_path / "snapshots"
    agreed: list[tuple[str, Json]] = [
        ("m.py::c", {"x": 1}),
        ("m.py::b", {"x": 1}),
        ("m.py::a", {"x": 1}),
        ("m.py::a", {"x": 1.0}),
        ("m.py::c", {"x": 2}),
    ]

    first = write_agreed(root, agreed=agreed, refused={"m.py::d", "m.py::b"})
    again = write_agreed(root, agreed=[("m.py::a", {"x": 1})], refused=())
    other = write_agreed(root, agreed=[("m.py::a", {"x": 2})], refused=())

    assert first == Written(written=("m.py::a",), refused=("m.py::b", "m.py::c", "m.py::d"))
    assert again == Written(unchanged=("m.py::a",))
    assert other == Written(written=("m.py::a",))
    assert {path.name: path.read_text() for path in (root / "m").iterdir()} == {"a.json": '{\n  "x": 2\n}\n'}
    assert str(first) == (
        "snapshots: 1 written, 0 unchanged, 3 refused because a trial disagreed, failed or ended in an error:\n"
        "  m.py::b\n  m.py::c\n  m.py::d"
    )
    assert str(again) == "snapshots: 0 written, 1 unchanged, 0 refused"


def test_arms_share_a_snapshot(project: Project) -> None:
    """All arms compare with one file, and syrupy counts it once."""
    project.module(TWO)
    project.store("test_one", {"total": 5})
    project.store("test_two", {"total": 7})

    result = project.run()

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["2 snapshots passed."])


@pytest.mark.parametrize(
    "args", [("--arms=code",), ("-k", "one"), ("-k", "one and code"), ("test_it.py::test_one[code]",)]
)
def test_part_of_a_suite_leaves_the_rest_alone(project: Project, args: tuple[str, ...]) -> None:
    """A run of one arm, of -k or of one node id reports nothing as unused and, updating, deletes nothing."""
    project.module(TWO)
    project.store("test_one", {"total": 5})
    project.store("test_two", {"total": 7})

    result = project.run(*args)
    update = project.run(*args, "--snapshot-update")

    assert (result.ret, update.ret) == (0, 0)
    result.stdout.no_fnmatch_line("*unused*")
    update.stdout.no_fnmatch_line("*unused*")
    assert project.stored() == {"test_it/test_one.json": {"total": 5}, "test_it/test_two.json": {"total": 7}}


def test_plain_test_claims_no_snapshot(project: Project) -> None:
    """A test of the same module that has no snapshot does not make those of tests that were not named unused."""
    project.pytester.mkdir("scenarios").joinpath("test_it.py").write_text(TWO + "\ndef test_plain():\n    pass\n")
    project.run("--snapshot-update")

    result = project.run("scenarios/test_it.py::test_one", "scenarios/test_it.py::test_plain", "--snapshot-update")

    result.assert_outcomes(passed=3)
    assert list(project.stored()) == ["test_it/test_one.json", "test_it/test_two.json"]


def test_author_parameters_stay_in_the_name(project: Project) -> None:
    """A test parametrized by its author has one snapshot per parameter, shared by the arms."""
    project.module("""
        import pytest
        @pytest.mark.parametrize("colour", ["red", "red-blue"])
        @pytest.mark.reference({"total": 5})
        def test_it(arm, colour, codeact_snapshot):
            assert {"total": 5} == codeact_snapshot
    """)

    project.run("--snapshot-update")
    one = project.run("test_it.py::test_it[red-blue-code]", "--snapshot-update")
    result = project.run()

    assert list(project.stored()) == ["test_it/test_it[red-blue].json", "test_it/test_it[red].json"]
    one.stdout.no_fnmatch_line("*unused*")
    result.assert_outcomes(passed=4)


def test_orphan_is_reported_and_a_readme_is_not(project: Project) -> None:
    """A snapshot without a test fails the run as syrupy does; an update deletes it and nothing else."""
    project.module(TWO)
    project.store("test_one", {"total": 5})
    project.store("test_two", {"total": 7})
    project.store("test_gone", {})
    project.store("test_any", {}, module="test_deleted_module")
    readme = project.pytester.path / "snapshots" / "README.md"
    readme.write_text("kept")
    notes = project.pytester.path / "snapshots" / "test_it" / "notes.md"
    notes.write_text("kept")
    deep = project.pytester.path / "snapshots" / "test_it" / "notes" / "deep.json"
    deep.parent.mkdir()
    deep.write_text("{}")

    result = project.run("--snapshot-details")
    update = project.run("--snapshot-update")

    assert (result.ret, update.ret) == (1, 0)
    result.stdout.fnmatch_lines(
        ["2 snapshots passed. 2 snapshots unused.", "Unused test_gone (*test_gone.json)"],
    )
    update.stdout.fnmatch_lines(["2 snapshots passed. 2 unused snapshots deleted."])
    assert list(project.stored()) == [
        "test_it/notes/deep.json",
        "test_it/test_one.json",
        "test_it/test_two.json",
    ]
    assert readme.exists()
    assert notes.exists()
    assert not (project.pytester.path / "snapshots" / "test_deleted_module").exists()


@pytest.mark.parametrize("args", [("--ignore=test_other.py",), (".", "--ignore=test_other.py")])
def test_ignored_module_keeps_its_snapshots(project: Project, args: tuple[str, ...]) -> None:
    """A module that is there but was not collected owns its snapshots."""
    project.module(TWO)
    project.module(TWO, name="test_other")
    project.run("--snapshot-update")

    result = project.run(*args, "--snapshot-update")

    assert result.ret == 0
    assert len(project.stored()) == 4


def test_last_failed_keeps_the_others(plain: Project) -> None:
    """A run of the last failures does not take the tests that it leaves out for deleted ones."""
    plain.module(TWO)
    plain.run("--snapshot-update")
    plain.store("test_one", {"total": 6})
    plain.options = ("-p", "cacheprovider")
    plain.run()

    result = plain.run("--lf", "-k", "test", "--snapshot-update")

    result.assert_outcomes(passed=2)
    assert plain.stored() == {"test_it/test_one.json": {"total": 5}, "test_it/test_two.json": {"total": 7}}


def test_missing_snapshot_fails_and_says_how_to_write_it(project: Project) -> None:
    """Without a snapshot nobody can be right."""
    project.module(TWO)
    project.store("test_two", {"total": 7})

    result = project.run()

    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            "E*assert outcome == snapshot snapshots/test_it/test_one.json",
            "E*Snapshot 'snapshots/test_it/test_one.json' does not exist!",
            "E*to write it from the reference solution, run: pytest --snapshot-update",
            "1 snapshot failed. 1 snapshot passed.",
        ],
        consecutive=False,
    )
    assert list(project.stored()) == ["test_it/test_two.json"]


def test_damaged_snapshot_fails(plain: Project) -> None:
    """A file that is not JSON is no ground truth, and says so; an update mends it."""
    plain.module(TWO)
    plain.store("test_one", {"total": 5}).write_text("<<<<<<< HEAD\n")
    plain.store("test_two", {"total": 7})

    result = plain.run("--arms=code")
    plain.run("--snapshot-update")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*snapshot 'snapshots/test_it/test_one.json' is not JSON: Expecting value: line 1 column 1 (char 0)",
            "E*to write it anew from the reference solution, run: pytest --snapshot-update",
        ]
    )
    assert plain.stored()["test_it/test_one.json"] == {"total": 5}


def test_wrong_outcome_shows_its_differences(plain: Project) -> None:
    """A failing comparison lists what differs, at most 30 lines of it."""
    plain.module("""
        def test_one(arm, codeact_snapshot):
            assert {"total": 5, "rows": list(range(100))} == codeact_snapshot
    """)
    plain.store("test_one", {"total": 6, "rows": list(range(1, 101))})

    # Without -vv pytest itself cuts the text to eight lines.
    result = plain.run("--arms=code", "-vv")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*assert outcome == snapshot snapshots/test_it/test_one.json",
            "E*rows?0?: expected 1, got 0",
            "E*rows?27?: expected 28, got 27",
            "E*... and 73 more",
        ]
    )
    assert len([line for line in result.outlines if line.startswith("E ")]) == EXPLAINED_LINES


def test_tolerance_applies_to_the_file(plain: Project) -> None:
    """Within its tolerance an arm is right, beyond it is wrong."""
    plain.module("""
        import pytest
        @pytest.mark.reference({"total": 5}, tolerance=0.005)
        def test_near(arm, codeact_snapshot):
            assert {"total": 5.004} == codeact_snapshot
        @pytest.mark.reference({"total": 5}, tolerance=0.005)
        def test_far(arm, codeact_snapshot):
            assert {"total": 5.006} == codeact_snapshot
    """)
    plain.store("test_near", {"total": 5})
    plain.store("test_far", {"total": 5})

    result = plain.run("--arms=code")
    update = plain.run("--arms=code", "--snapshot-update")

    result.assert_outcomes(passed=1, failed=1)
    update.assert_outcomes(passed=1, failed=1)
    assert plain.stored() == {"test_it/test_far.json": {"total": 5}, "test_it/test_near.json": {"total": 5}}


def test_outcome_that_is_not_json_is_an_error(plain: Project) -> None:
    """A world whose end state JSON cannot hold is named, not silently reduced."""
    plain.module("""
        def test_one(arm, codeact_snapshot):
            assert {"state": {1: 2}} == codeact_snapshot
    """)
    plain.store("test_one", {})

    result = plain.run("--arms=code")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E*ScenarioError: outcome.state has the key 1; a snapshot holds JSON, where keys are str"]
    )


def test_repr_is_short(plain: Project) -> None:
    """The fixture shows itself by its file."""
    plain.module("""
        def test_one(arm, codeact_snapshot):
            assert repr(codeact_snapshot) == "<snapshot snapshots/test_it/test_one.json>"
            assert codeact_snapshot.explain({})[0] == "outcome == snapshot snapshots/test_it/test_one.json"
    """)

    plain.run("--arms=code").assert_outcomes(passed=1)


def test_update_writes_the_truth(project: Project) -> None:
    """An update writes what the reference solution gives, the same bytes from every arm."""
    project.module(TWO)
    project.store("test_two", {"total": 8})

    update = project.run("--snapshot-update")
    again = project.run("--snapshot-update")

    update.assert_outcomes(passed=4)
    update.stdout.fnmatch_lines(["snapshots: 2 written, 0 unchanged, 0 refused", "*", "2 snapshots passed."])
    again.stdout.fnmatch_lines(["snapshots: 0 written, 2 unchanged, 0 refused"])
    assert (project.pytester.path / "snapshots/test_it/test_one.json").read_bytes() == b'{\n  "total": 5\n}\n'
    assert project.stored() == {"test_it/test_one.json": {"total": 5}, "test_it/test_two.json": {"total": 7}}


def test_update_refuses_what_an_arm_disagrees_with(project: Project) -> None:
    """What an arm returned is never written, not even where there is no file yet; other scenarios are."""
    project.module("""
        import pytest
        @pytest.mark.reference({"total": 5})
        def test_one(arm, codeact_snapshot):
            assert {"total": 5 if arm == "code" else 4} == codeact_snapshot
        @pytest.mark.reference({"total": 7})
        def test_two(arm, codeact_snapshot):
            assert {"total": 7} == codeact_snapshot
        @pytest.mark.reference({"total": 9})
        def test_swallowed(arm, codeact_snapshot):
            assert {"total": 9} == codeact_snapshot
            assert {"total": 8} != codeact_snapshot
    """)

    result = project.run("--snapshot-update")

    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*the arm disagrees with the reference solution; the snapshot is not written",
            "E*total: expected 5, got 4",
        ]
    )
    result.stdout.fnmatch_lines(
        [
            "snapshots: 1 written, 0 unchanged, 2 refused because a trial disagreed, failed or ended in an error:",
            "  test_it.py::test_one",
            "  test_it.py::test_swallowed",
        ]
    )
    assert project.stored() == {"test_it/test_two.json": {"total": 7}}


def test_update_leaves_a_refused_file_untouched(project: Project) -> None:
    """A disagreement keeps the old file, byte for byte."""
    project.module("""
        import pytest
        @pytest.mark.reference({"total": 5})
        def test_one(arm, codeact_snapshot):
            assert {"total": 5 if arm == "code" else 4} == codeact_snapshot
    """)
    path = project.store("test_one", {})
    path.write_text('{"total": 3}')

    project.run("--snapshot-update").assert_outcomes(passed=1, failed=1)

    assert path.read_text() == '{"total": 3}'


def test_update_new_only_writes_nothing(project: Project) -> None:
    """Syrupy's other way to write, which takes what a test returned, is a run like any other."""
    project.module(TWO)
    project.store("test_one", {"total": 6})

    result = project.run("--snapshot-update-new-only")

    result.assert_outcomes(failed=4)
    assert project.stored() == {"test_it/test_one.json": {"total": 6}}


def test_update_needs_a_reference(plain: Project) -> None:
    """A scenario without a reference solution cannot be updated and says what to add."""
    plain.module("""
        def test_one(arm, codeact_snapshot):
            assert {"total": 5} == codeact_snapshot
    """)

    result = plain.run("--arms=code", "--snapshot-update")

    result.assert_outcomes(failed=1)
    message = (
        "E*test_it.py::test_one has no reference solution, and ground truth is only written from one; "
        "add reference=... to its marker"
    )
    result.stdout.fnmatch_lines([message, "snapshots: 0 written, 0 unchanged, 1 refused *:", "  test_it.py::test_one"])
    assert plain.stored() == {}


def test_update_solves_once_per_test(plain: Project) -> None:
    """The reference solution runs once for a test, however often the test compares and pytest asks why."""
    plain.module("""
        import pytest
        solved = []
        def solve():
            solved.append(1)
            return {"total": 5}
        @pytest.mark.reference.with_args(solve)
        def test_one(arm, codeact_snapshot):
            assert {"total": 5} == codeact_snapshot
            assert {"total": 6} != codeact_snapshot
            assert codeact_snapshot.explain({"total": 6})[-1] == "total: expected 5, got 6"
            assert len(solved) == 1
    """)

    plain.run("--arms=code", "--snapshot-update").assert_outcomes(passed=1)


def test_update_raises_what_the_solution_raises(plain: Project) -> None:
    """A reference solution that fails, fails the test; one whose outcome is no JSON is named."""
    plain.module("""
        import pytest
        from pytest_codeact.errors import SolutionError
        def solve():
            raise SolutionError("no account 'x'")
        @pytest.mark.reference.with_args(solve)
        def test_one(arm, codeact_snapshot):
            assert {} == codeact_snapshot
        @pytest.mark.reference({"rate": float("inf")})
        def test_two(arm, codeact_snapshot):
            assert {} == codeact_snapshot
    """)

    result = plain.run("--arms=code", "--snapshot-update")

    result.assert_outcomes(failed=2)
    message = (
        "E*ScenarioError: the reference solution's outcome.rate is inf; "
        "a snapshot holds JSON, which knows finite numbers only"
    )
    result.stdout.fnmatch_lines(["E*SolutionError: no account 'x'", message])


def test_update_deletes_nothing_of_tests_that_do_not_get_there(project: Project) -> None:
    """Failed, broken, skipped and deselected tests keep their snapshots through an update."""
    project.module("""
        import pytest
        @pytest.fixture
        def broken():
            raise RuntimeError("provider is down")
        def test_fails(arm, codeact_snapshot):
            assert 0
        def test_breaks(arm, broken, codeact_snapshot):
            pass
        @pytest.mark.skip
        def test_is_skipped(arm, codeact_snapshot):
            pass
        def test_skips(arm, codeact_snapshot):
            pytest.skip("no key")
        def test_forgets(arm, codeact_snapshot):
            pass
        @pytest.mark.reference({"total": 7})
        def test_right(arm, codeact_snapshot):
            assert {"total": 7} == codeact_snapshot
    """)
    names = ("fails", "breaks", "is_skipped", "skips", "forgets", "right")
    for name in names:
        project.store(f"test_{name}", {"total": 7})

    update = project.run("--snapshot-update")
    part = project.run("--snapshot-update", "--deselect", "test_it.py::test_right")

    update.assert_outcomes(passed=4, failed=2, errors=2, skipped=4)
    update.stdout.no_fnmatch_line("*unused*")
    part.stdout.no_fnmatch_line("*unused*")
    assert len(project.stored()) == len(names)


def test_crashed_worker_costs_no_snapshot(pytester: pytest.Pytester) -> None:
    """After a crash syrupy's books are incomplete, so nothing is unused, not even an orphan."""
    project = Project(pytester, "-n2", "--max-worker-restart=4")
    project.module(
        TWO
        + """
def test_crash(arm, codeact_snapshot):
    import os
    os._exit(1)
"""
    )
    for name in ("test_one", "test_two", "test_crash", "test_gone"):
        project.store(name, {"total": 7})

    result = project.run("--snapshot-update")

    result.stdout.fnmatch_lines(["*Unused snapshot detection is disabled*"])
    assert len(project.stored()) == 4


def test_two_scenarios_do_not_share_a_file(plain: Project) -> None:
    """Of two modules of one name in two directories the second is told so, and nothing is compared with the first's."""
    for folder in ("one", "two"):
        plain.pytester.mkpydir(folder).joinpath("test_it.py").write_text(TWO)

    result = plain.run()

    message = (
        "*scenarios 'one/test_it.py::test_one' and 'two/test_it.py::test_one' would share the snapshot "
        "'test_it/test_one.json'; rename one of them, or its module"
    )
    result.stdout.fnmatch_lines([message])


def test_plain_snapshots_of_syrupy_still_work(project: Project) -> None:
    """A test that uses syrupy itself is none of our business."""
    project.module(TWO + "\ndef test_own(snapshot):\n    assert [1] == snapshot\n")
    project.run("--snapshot-update")

    result = project.run()

    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["3 snapshots passed."])
    assert (project.pytester.path / "__snapshots__" / "test_it.ambr").exists()

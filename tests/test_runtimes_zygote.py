"""The zygote and its pool when things go wrong: one trial may lose its process, no other does, and nothing hangs."""

# ruff: noqa: E501  # scripts have long lines
from __future__ import annotations

import ast
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from process_sources import ScriptSource

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes.lockdown import libc, seccomp
from pytest_codeact.runtimes.lockdown.layers import LAYERS, SECCOMP
from pytest_codeact.runtimes.restricted import RestrictedRuntime
from pytest_codeact.runtimes.restricted._pool import ZygotePool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_codeact.runtimes import Interpreter

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc and at descriptors of processes")

NO_TOOLS = Bindings(functions=(), call=lambda *_call: CallReply())
ROOT = Path(__file__).parent.parent


class Pool(ZygotePool):
    """A pool whose zygote can be got at."""

    def __init__(self, spares: int = 0) -> None:
        super().__init__(layers=LAYERS, language=True, spares=spares)

    @property
    def outer(self) -> int:
        """The number of the process that was executed."""
        assert self._zygote is not None
        return self._zygote._process.pid

    @property
    def inner(self) -> int:
        """The number of the process that forks: the init of its namespace, if there is one."""
        children = Path(f"/proc/{self.outer}/task/{self.outer}/children").read_text().split()
        return int(children[0]) if children else self.outer


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Give a pool without spares; it is closed by the runtime over it."""
    made = Pool()
    yield made
    made.close()


def started(runtime: RestrictedRuntime) -> Interpreter:
    """Start a session whose process runs."""
    session = runtime.start(NO_TOOLS, Limits())
    assert session.run("x = 1\nx").value == "1"
    return session


def killed(pid: int) -> None:
    """Kill a process and wait until it is gone."""
    handle = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    select_ready(handle)


def select_ready(handle: int) -> None:
    """Wait until a process has ended, and forget it."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    assert poll.poll(10_000)
    os.close(handle)


@pytest.mark.parametrize("which", ["outer", "inner"])
def test_death_of_the_zygote_is_an_error_and_no_crash_of_a_program(pool: Pool, which: str) -> None:
    """Its trials are errors of the sandbox; the session, a new one, and closing work afterwards."""
    runtime = RestrictedRuntime(source=pool)
    session = started(runtime)
    inner = os.pidfd_open(pool.inner)
    killed(getattr(pool, which))
    # With the init everything in its namespace has ended.
    select_ready(inner)

    with pytest.raises(SandboxError, match=r"^the sandbox's zygote (has died|does not answer)"):
        session.run("1")
    assert session.run("'x' in globals()").value == "False"
    assert started(runtime).run("x").value == "1"
    runtime.close()


def test_runtime_is_closed_though_its_zygote_is_dead(pool: Pool) -> None:
    """Closing is no error, and leaves no process behind."""
    runtime = RestrictedRuntime(source=pool)
    sessions = [started(runtime) for _ in range(3)]
    killed(pool.outer)

    sessions[0].close()
    runtime.close()
    runtime.close()

    with pytest.raises(SandboxError, match=r"^the session is closed"):
        sessions[1].run("1")


FEW_PROCESSES = """
import resource
resource.setrlimit(resource.RLIMIT_NPROC, (20, 20))
from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes.restricted import RestrictedRuntime
from pytest_codeact.runtimes.restricted._pool import ZygotePool
from pytest_codeact.runtimes.lockdown.layers import LAYERS, SECCOMP
runtime = RestrictedRuntime(source=ZygotePool(layers=LAYERS, language=True, spares=0))
sessions, errors = [], set()
for number in range(25):
    session = runtime.start(Bindings(functions=(), call=lambda *c: CallReply()), Limits())
    try:
        session.run(f"x = {number}")
        sessions.append(session)
    except SandboxError as error:
        errors.add(str(error))
print(errors, [each.run("x").value for each in sessions] == [str(n) for n in range(len(sessions))], len(sessions) > 5)
sessions.pop().close()
session = runtime.start(Bindings(functions=(), call=lambda *c: CallReply()), Limits())
print(session.run("1").value)
runtime.close()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's other processes count too")
def test_process_that_cannot_be_made_is_one_trials_error() -> None:
    """Where the system refuses a fork, the trials that have a process go on."""
    done = subprocess.run([sys.executable, "-c", FEW_PROCESSES], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.splitlines() == [
        "{'the sandbox cannot make a process: Resource temporarily unavailable'} True True",
        "1",
    ]


def test_session_closed_by_another_thread_costs_no_other_trial(pool: Pool) -> None:
    """A process that two threads end is asked for once."""
    runtime = RestrictedRuntime(source=pool)
    other = started(runtime)
    for _ in range(5):
        session = started(runtime)
        closing = threading.Thread(target=session.close)
        running = threading.Thread(target=lambda session=session: suppressed(session))
        running.start()
        closing.start()
        running.join()
        closing.join()

    assert other.run("x").value == "1"
    runtime.close()


def suppressed(session: Interpreter) -> None:
    """Run what takes a while, whatever becomes of it."""
    with suppress(SandboxError):
        session.run("sum(range(10**7))")


def test_zygote_that_dies_while_spares_are_made_stops_nobody() -> None:
    """Trials of many threads go on, each with a process or an error of its own, and the pool can be closed."""
    pool = Pool(spares=2)
    runtime = RestrictedRuntime(source=pool)
    outcomes: list[str] = []

    def trial() -> None:
        for _ in range(6):
            session = runtime.start(NO_TOOLS, Limits())
            try:
                outcomes.append(str(session.run("1").value))
            except SandboxError:
                outcomes.append("error")
            session.close()

    threads = [threading.Thread(target=trial) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        with suppress(AssertionError, ProcessLookupError, FileNotFoundError):
            os.kill(pool.outer, signal.SIGKILL)
    for thread in threads:
        thread.join(60)
    runtime.close()

    assert not any(thread.is_alive() for thread in threads)
    assert len(outcomes) == 36
    assert set(outcomes) <= {"1", "error"}


def test_interrupted_order_is_not_answered_to_another() -> None:
    """What raises between an order and its answer ends the zygote: the next answer would be another's."""
    pool = Pool()
    pool.report()
    zygote = pool._zygote
    assert zygote is not None
    control = zygote._control

    class Interrupted:
        """The control socket, interrupted at its first answer."""

        def __getattr__(self, name: str) -> object:
            if name == "recvmsg":
                raise KeyboardInterrupt
            return getattr(control, name)

    zygote._control = Interrupted()  # type: ignore[assignment]  # as much of a socket as is used
    with pytest.raises(KeyboardInterrupt):
        pool.take()

    assert not zygote.is_alive
    taken = pool.take()
    taken.connection.close()
    taken.handle.close()
    pool.close()
    control.close()


MANY_DESCRIPTORS = """
import os, resource, sys
from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes.restricted import RestrictedRuntime
held = [os.open("/dev/null", os.O_RDONLY) for _ in range(400)]
runtime = RestrictedRuntime(language=False)
session = runtime.start(Bindings(functions=(), call=lambda *c: CallReply()), Limits())
found = session.run("import os\\nlive = []\\nfor fd in range(4, 2000):\\n    try:\\n        os.read(fd, 0); live.append(fd)\\n    except OSError as e:\\n        if e.errno != 9: live.append(fd)\\nprint(live)")
print(found.output.strip(), found.error)
runtime.close()
"""


def test_program_finds_no_descriptor_though_the_host_holds_many() -> None:
    """The control socket of the zygote is not among a program's, whatever its number in the host."""
    done = subprocess.run(
        [sys.executable, "-c", MANY_DESCRIPTORS], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stdout == "[] None\n"


FEW_DESCRIPTORS = """
import os, resource
from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes.restricted import RestrictedRuntime
runtime = RestrictedRuntime()
bindings = Bindings(functions=(), call=lambda *c: CallReply())
runtime.confinement()
sent = []
os.kill = lambda *call: sent.append(call)
most = max(map(int, os.listdir("/proc/self/fd")))
for allowed in range(most + 1, most + 14):
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, 4096))
    try:
        session = runtime.start(bindings, Limits())
        session.run("1")
        session.close()
    except SandboxError as error:
        print(error)
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
session = runtime.start(bindings, Limits())
print(session.run("1").value, sent)
runtime.close()
"""


def test_process_that_cannot_be_handed_over_is_an_error() -> None:
    """Without room for its handle the process is given up, and no process of the host's is taken for it."""
    done = subprocess.run([sys.executable, "-c", FEW_DESCRIPTORS], capture_output=True, text=True, check=True, cwd=ROOT)
    lines = done.stdout.splitlines()

    assert lines[-1] == "1 []"
    assert any(
        line.startswith(
            ("the sandbox cannot make a process: Too many", "a process of the sandbox cannot be handed over")
        )
        for line in lines[:-1]
    )


@pytest.mark.parametrize(
    "surroundings",
    [
        "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))",
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))",
        "import os; os.close(0)",
        "import os; os.close(0); os.close(1)",
        "import os; os.close(0); os.close(1); os.close(2)",
    ],
)
def test_zygote_starts_in_odd_surroundings(tmp_path: Path, surroundings: str) -> None:
    """What the host ignores, blocks, lacks or has closed is not the sandbox's."""
    told = tmp_path / "told.txt"
    script = (
        f"{surroundings}\n"
        "from pytest_codeact.runtimes import Bindings, CallReply, Limits\n"
        "from pytest_codeact.runtimes.restricted import RestrictedRuntime\n"
        "runtime = RestrictedRuntime()\n"
        "session = runtime.start(Bindings(functions=(), call=lambda *c: CallReply()), Limits(wall_s=0.3, cpu_s=60))\n"
        "found = session.run('1 + 1').value, session.run('while True: pass').error.splitlines()[0]\n"
        f"open({str(told)!r}, 'w').write(repr(found))\n"
        "runtime.close()\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)

    assert told.read_text() == repr(("2", "time limit of 0.3 s exceeded at line 1: while True: pass"))


NO_FILTERS = """
import ctypes, struct
from pytest_codeact.runtimes.lockdown import libc, seccomp
step = seccomp._step
# prctl(PR_SET_SECCOMP, ...) fails with EINVAL, as under an outer filter of some containers.
prctl = {"x86_64": 157, "aarch64": 167}[libc.MACHINE]
program = b"".join([
    step(0x20, 0), step(0x15, prctl, 0, 3), step(0x20, 16), step(0x15, 22, 0, 1), step(0x06, 0x00050000 | 22),
    step(0x06, 0x7fff0000),
])
libc.give_up_privileges(dies_with_parent=False)
seccomp.filter_system_calls(program)
from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes.restricted import RestrictedRuntime
runtime = RestrictedRuntime()
held = runtime.confinement()
session = runtime.start(Bindings(functions=(), call=lambda *c: CallReply()), Limits())
print(held.level, [each for each in held.missing if "seccomp" in each], session.run("1 + 1").value)
runtime.close()
"""


def test_filter_that_the_kernel_does_not_take_is_a_layer_less() -> None:
    """That is known before a trial needs it: the level is a lesser one, the reason is told, and programs run."""
    done = subprocess.run([sys.executable, "-c", NO_FILTERS], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout == "C ['seccomp: the kernel does not take the filter'] 2\n"


DUMP = """
import os, signal, socket, struct, sys, time, json
channel = socket.socket(fileno=int(sys.argv[1]))
def send(**message):
    body = json.dumps(message).encode()
    channel.sendall(struct.pack(">I", len(body)) + body)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGUSR2})
channel.recv(65536)
send(t="ready", error=None)
channel.recv(65536)
"""

DUMPS = {
    "places without end": 'channel.sendall(struct.pack(">I", 2_900_000))\nchannel.sendall(b\'File "main.py@1", line 1 in \' * 14_000)\n',
    "a number without end": 'channel.sendall(struct.pack(">I", 90_000))\nchannel.sendall(b\'File "main.py@\' + b"1" * 5000 + b\'", line 1 in f\\n\')\n',
}  # fmt: skip


@pytest.mark.parametrize("name", DUMPS)
def test_forged_place_costs_the_host_nothing(tmp_path: Path, name: str) -> None:
    """What a process writes in place of its stack is looked through in no time, and is no error of the host's."""
    script = tmp_path / "child.py"
    script.write_text(DUMP + DUMPS[name] + "while True: signal.pause()\n")
    runtime = RestrictedRuntime(source=ScriptSource(script))
    session = runtime.start(NO_TOOLS, Limits(wall_s=0.5))
    cpu_before_s = os.times().user
    execution = session.run("1")
    cpu_s = os.times().user - cpu_before_s
    runtime.close()

    assert execution.status == "limit"
    assert (execution.error or "").startswith("time limit of 0.5 s exceeded\n")
    assert cpu_s < 2


def test_failed_declarations_leave_no_half_started_session() -> None:
    """A session whose declarations fail fails again; no program runs without them."""
    runtime = RestrictedRuntime()
    session = runtime.start(Bindings(functions=(), call=NO_TOOLS.call, declarations="class A(Missing): ..."), Limits())

    for attempt in (session.prepare, session.prepare, lambda: session.run("1")):
        with pytest.raises(SandboxError, match=r"^the declarations do not run in the sandbox:"):
            attempt()
    runtime.close()


def test_capability_bounds_are_empty() -> None:
    """Neither zygote nor child has a capability, or can get one by executing a program."""
    pool = Pool()
    runtime = RestrictedRuntime(source=pool)
    started(runtime)
    lines = Path(f"/proc/{pool.inner}/status").read_text().splitlines()
    runtime.close()
    held = {line.split(":")[0]: int(line.split()[1], 16) for line in lines if line.startswith("Cap")}

    assert {name: held[name] for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == dict.fromkeys(
        ("CapEff", "CapPrm", "CapInh", "CapAmb"), 0
    )
    assert held["CapBnd"] == 0 or os.geteuid() != 0


def test_library_has_what_the_filter_needs() -> None:
    """The structure handed to the kernel is that of <linux/filter.h> on this machine."""
    assert ctypes.sizeof(seccomp._Program) == 2 * ctypes.sizeof(ctypes.c_void_p)


def test_program_that_spares_run_is_one_that_runs() -> None:
    """What makes a spare's first program fast does so only if it runs to its end; nothing of it is left for a trial."""
    module = ast.parse((ROOT / "pytest_codeact/runtimes/restricted/child/zygote.py").read_text())
    programs = {
        node.target.id: ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id.endswith(("_PROGRAM", "_UP"))
        if node.value is not None
    }
    runtime = RestrictedRuntime()
    statuses = {}
    for name, program in programs.items():
        session = runtime.start(NO_TOOLS, Limits())
        statuses[name] = session.run(program).status
    fresh = runtime.start(NO_TOOLS, Limits()).run("[n for n in ('Row', 'report', 'warm', 'json') if n in globals()]")
    runtime.close()

    assert statuses == {"_FIRST_PROGRAM": "ok", "_WARM_UP": "ok"}
    assert fresh.value == "[]"


@pytest.mark.skipif(libc.MACHINE not in libc._KEYCTL, reason="the number of the system call is not known")
def test_program_has_not_the_keys_of_the_session() -> None:
    """Where no filter keeps it from asking, what it finds is a keyring of its own."""
    number = libc._KEYCTL[libc.MACHINE]
    try:
        ours = libc.call("syscall", number, 0, -3, 0)
    except OSError as error:
        pytest.skip(f"this session's keyring cannot be asked for: {error}")
    runtime = RestrictedRuntime(layers=set(LAYERS) - {SECCOMP}, language=False)
    session = runtime.start(NO_TOOLS, Limits())
    execution = session.run(f"print(ctypes.CDLL(None).syscall({number}, 0, -3, 0), end='')")
    runtime.close()

    assert int(execution.output) != ours

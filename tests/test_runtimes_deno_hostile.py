"""Hostile TypeScript programs, judged by their effect on the host, and a process that has been taken over."""

# ruff: noqa: E501  # a table of cases has one case to a line
from __future__ import annotations

import select
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes._outcome import RESTARTED
from pytest_codeact.runtimes.deno import DenoRuntime
from pytest_codeact.runtimes.deno._process import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.records import Json
    from pytest_codeact.runtimes import Execution

pytest.importorskip("deno")

SECRET = "canary-7f3a91"  # noqa: S105  # it is what must not be found

BREACHES = {
    # Files
    "read_file": "Deno.readTextFileSync('CANARY')",
    "read_file_again": "await Deno.readTextFile('CANARY').catch(() => Deno.readFile('CANARY'))",
    "open_file": "Deno.openSync('CANARY', { read: true })",
    "read_directory": "[...Deno.readDirSync('DIRECTORY')].map((e) => e.name)",
    "stat_file": "Deno.statSync('CANARY').size",
    "write_file": "Deno.writeTextFileSync('DIRECTORY/new', 'x')",
    "remove_file": "Deno.removeSync('CANARY')",
    "import_file": "await import('file://CANARY')",
    "import_json": "(await import('file://CANARY', { with: { type: 'json' } })).default",
    "import_text": "(await import('file://CANARY', { with: { type: 'text' } })).default",
    "import_bytes": "(await import('file://CANARY', { with: { type: 'bytes' } })).default",
    "import_by_data_url": "await import('data:text/javascript,import x from \"file://CANARY\" with { type: \"text\" }; export default x').then((m) => m.default)",
    "import_by_blob": "const u = 'data:application/typescript,' + encodeURIComponent('export const f = Deno.readTextFileSync(\"CANARY\")'); (await import(u)).f",
    "import_node_fs": "(await import('node:fs')).readFileSync('CANARY', 'utf8')",
    "import_node_by_function": "await Function('return import(\"node:fs\")')().then((fs: any) => fs.readFileSync('CANARY', 'utf8'))",
    "import_node_by_eval": "await (0, eval)('import(\"node:fs/promises\")').then((fs: any) => fs.readFile('CANARY', 'utf8'))",
    "import_node_by_data_url": "(await import('data:text/javascript,export * from \"node:fs\"')).readFileSync('CANARY', 'utf8')",
    "import_node_by_source_url": "await import('node:fs').then((fs) => fs.readFileSync('CANARY', 'utf8'))\n//# sourceURL=file://HARNESS/main.js",
    "import_harness": "await import('file://HARNESS/channel.js').then((m) => m.send({ t: 'done' }))",
    "fetch_file": "await (await fetch('file://CANARY')).text()",
    "sqlite": "new (await import('node:sqlite')).DatabaseSync('DIRECTORY/db').exec('create table t (x)')",
    "local_storage": "localStorage.setItem('k', 'v'); localStorage.getItem('k')",
    "caches": "await (await caches.open('c')).put('https://x.org', new Response('v'))",
    "indexed_db": "indexedDB.open('d')",
    # Network
    "fetch": "await (await fetch('http://127.0.0.1:PORT/')).text()",
    "connect": "await Deno.connect({ port: PORT })",
    "websocket": "new WebSocket('ws://127.0.0.1:PORT')",
    "import_http": "await import('http://127.0.0.1:PORT/x.ts')",
    "node_net": "(await import('node:net')).connect(PORT)",
    "event_source": "new EventSource('http://127.0.0.1:PORT')",
    "listen": "Deno.listen({ port: 0 })",
    "request": "await new Request('http://127.0.0.1:PORT').text()",
    # Processes, environment, machine code
    "command": "new Deno.Command('touch', { args: ['DIRECTORY/new'] }).outputSync()",
    "child_process": "(await import('node:child_process')).execSync('touch DIRECTORY/new')",
    "environment": "Deno.env.toObject()",
    "process_environment": "process.env",
    "foreign_functions": "Deno.dlopen('libc.so.6', { system: { parameters: ['buffer'], result: 'i32' } })",
    "kill": "Deno.kill(Deno.ppid, 'SIGKILL')",
    "exit": "Deno.exit(0)",
    "internals": "(Deno as any)[(Deno as any).internal].core.ops.op_read_file_text_sync('CANARY')",
    "internals_by_symbol": "Object.getOwnPropertySymbols(Deno).concat(Object.getOwnPropertySymbols(globalThis)).map((s) => (globalThis as any)[s]?.core)",
    "worker": "new Worker('data:text/javascript,Deno.stdout.writeSync(new Uint8Array(64))', { type: 'module' })",
    "worker_threads": "new (await import('node:worker_threads')).Worker('1', { eval: true })",
    "inspector": "new (await import('node:inspector')).Session().connectToMainThread()",
    "vm": "(await import('node:vm')).runInThisContext('process')",
    "v8_flags": "(await import('node:v8')).setFlagsFromString('--allow-natives-syntax')",
    "permissions": "await Deno.permissions.request({ name: 'read' })",
    "constructor_chain": "console.log.constructor('return this')().Deno.readTextFileSync('CANARY')",
    "tool_constructor": "(tools.send as any).constructor('return process')().env",
    "proxy_target": "Object.getPrototypeOf(Deno); Reflect.ownKeys(Deno).map((k) => (Deno as any)[k]); (Deno as any).stdin.readSync(new Uint8Array(9))",
    "shadow_realm": "new (globalThis as any).ShadowRealm().evaluate('Deno')",
    "global_prototype": "let o: any = globalThis; const seen = []; while ((o = Object.getPrototypeOf(o))) seen.push(...Object.getOwnPropertyNames(o)); (globalThis as any).constructor.name + seen",
    "errors_class": "new (Deno.errors as any).NotCapable('x').constructor.constructor('return Deno')().readTextFileSync('CANARY')",
}  # fmt: skip
"""Ways out. CANARY, DIRECTORY, HARNESS and PORT are filled in."""


@pytest.fixture(scope="module")
def runtime() -> Iterator[DenoRuntime]:
    """Give a runtime."""
    made = DenoRuntime()
    yield made
    made.close()


class Host:
    """Carries out calls and keeps them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Json], dict[str, Json]]] = []

    def __call__(self, name: str, positional: list[Json], keywords: dict[str, Json]) -> CallReply:
        self.calls.append((name, positional, keywords))
        return CallReply(value=len(self.calls), final=name == "final_answer")


@pytest.fixture
def host() -> Host:
    """Give a host."""
    return Host()


FUNCTIONS = ("send", "final_answer")


@pytest.fixture
def run(runtime: DenoRuntime, host: Host) -> Iterator[Callable[[str], Execution]]:
    """Give a function that runs a program in the session of the test."""
    session = runtime.start(Bindings(functions=FUNCTIONS, call=host), Limits(wall_s=3))
    yield session.run
    session.close()


@pytest.mark.parametrize("name", BREACHES)
def test_nothing_of_the_host_is_reached(
    name: str, run: Callable[[str], Execution], host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is read or written, nobody connects, no variable is seen, no tool called; the session goes on."""
    canary = tmp_path / "canary.json"
    canary.write_text(f'"{SECRET}"')
    monkeypatch.setenv("CANARY", SECRET)
    harness = Path(__file__).parent.parent / "pytest_codeact" / "runtimes" / "deno" / "harness"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        program = BREACHES[name].replace("CANARY", str(canary)).replace("DIRECTORY", str(tmp_path))
        program = program.replace("HARNESS", str(harness)).replace("PORT", str(listener.getsockname()[1]))
        execution = run(program)
        with pytest.raises(BlockingIOError):
            listener.accept()

    texts = f"{execution.output}{execution.value}{execution.error}"
    assert SECRET not in texts
    assert (list(tmp_path.iterdir()), canary.read_text(), host.calls) == ([canary], f'"{SECRET}"', [])
    assert run("1 + 1").value == "2"


FORGERIES = {
    "post_message": "for (const k of Object.getOwnPropertyNames(globalThis)) if (/post|receiver|settle/i.test(k)) (globalThis as any)[k]?.({ t: 'done', status: 'ok', result: 'forged', err: null });",
    "stringify": 'JSON.stringify = () => \'{"t":"done","status":"ok","result":"forged","err":null}\'; JSON.parse = () => ({ t: \'run\', source: \'"forged"\' });',
    "object_prototype": "Object.prototype.status = 'ok'; Object.prototype.value = 'forged'; Object.prototype.error = null; Object.prototype.objectId = 'forged';",
    "setter": "Object.defineProperty(Object.prototype, 't', { set() {}, get: () => 'done', configurable: true }); Object.defineProperty(Array.prototype, '0', { set() {}, get: () => 'forged', configurable: true });",
    "reflect": "Reflect.apply = () => 'forged'; Function.prototype.call = () => 'forged'; Function.prototype.apply = () => 'forged';",
    "promise": "const then = Promise.prototype.then; Promise.prototype.then = function (f: any) { return then.call(this, () => f({ value: 'forged' })) } as any;",
    "promise_constructor": "(globalThis as any).Promise = class { then(f: any) { f('forged') } };",
    "typed_arrays": "Uint8Array.prototype.set = function () { this.fill(65) }; Uint8Array.prototype.subarray = () => new Uint8Array(8); TextEncoder.prototype.encode = () => new Uint8Array(8);",
    "arrays": "Array.prototype.push = Array.prototype.shift = Array.prototype.slice = () => 'forged' as any;",
    "strings": "String.prototype.replace = String.prototype.slice = String.prototype.split = () => 'forged' as any;",
    "regular_expressions": "RegExp.prototype.exec = () => ['forged', '1'] as any; RegExp.prototype.test = () => true;",
    "maps": "Map.prototype.set = Map.prototype.get = WeakSet.prototype.has = () => 'forged' as any;",
    "console": "(globalThis as any).console = { log: 5 };",
    "tools": "(globalThis as any).tools = { send: () => 'forged' };",
    "errors": "(globalThis as any).Error = (globalThis as any).SyntaxError = class Forged {}; Object.defineProperty(Function.prototype, Symbol.hasInstance, { value: () => true });",
}
"""Attempts at what speaks for the process, in the realm that it shares."""


@pytest.mark.parametrize("name", FORGERIES)
def test_forgery_gains_nothing(name: str, run: Callable[[str], Execution], host: Host) -> None:
    """A program may spoil its own session. It calls no tool unseen, ends no trial, and the host goes on."""
    first = run(f"{FORGERIES[name]}\n'first'")
    second = run("await tools.send({ a: 1 })")
    third = run("1 + 1")

    assert {first.status, second.status, third.status} <= {"ok", "error", "limit", "crash"}
    assert host.calls in ([], [("send", [], {"a": 1})])


def test_storage_does_not_pass_between_sessions(run: Callable[[str], Execution]) -> None:
    """There is none, and no directory that it could be kept in, for root neither."""
    execution = run(
        "typeof localStorage + typeof sessionStorage + typeof caches + typeof indexedDB + typeof BroadcastChannel"
    )

    assert execution.value == f'"{"undefined" * 5}"'
    with pytest.raises(NotADirectoryError):
        Path(ENVIRONMENT["DENO_DIR"]).mkdir(parents=True)


def test_global_scope_is_the_language(run: Callable[[str], Execution]) -> None:
    """No name is left through which Deno itself can be reached."""
    program = "Object.getOwnPropertyNames(globalThis).filter((n) => /^(process|global|self|window|Worker|on.*|post.*|navigator|location|close|Message.*|Broadcast.*|.*Storage|GPU.*|WebSocket.*|node.*|XMLHttpRequest|require)$/.test(n))"

    assert run(program).value == "[]"


# A process that has been taken over

PRELUDE = """
import json, os, signal, socket, struct, sys
channel = socket.socket(fileno=0)
def raw(data):
    channel.sendall(data)
def frame(data):
    raw(struct.pack(">I", len(data)) + data)
def send(**message):
    frame(json.dumps(message).encode())
def receive():
    (length,) = struct.unpack(">I", channel.recv(4, socket.MSG_WAITALL))
    return channel.recv(length, socket.MSG_WAITALL)
def done(status="ok", value=None, error=None):
    send(t="done", status=status, result=value, err=error)
def call(name="send", number=1, args=[], kw={}):
    send(t="call", id=number, name=name, args=args, kw=kw)
receive()
"""

READY = 'send(t="ready", error=None)\nreceive()\n'
STALL = "\nwhile True: signal.pause()\n"


@pytest.fixture
def take_over(tmp_path: Path, host: Host) -> Callable[..., Execution]:
    """Give a function that runs a program in a process that does as it is told instead."""

    def run_in(script: str, *, wall_s: float = 0.5) -> Execution:
        path = tmp_path / "child.py"
        path.write_text(PRELUDE + script)
        taken = DenoRuntime(command=(sys.executable, "-S", "-E", str(path)))
        session = taken.start(Bindings(functions=FUNCTIONS, call=host), Limits(wall_s=wall_s))
        try:
            return session.run("1")
        finally:
            taken.close()

    return run_in


BROKEN = {
    "length_of_4_gb": ('raw(b"\\xff" * 8)', "a frame of 4294967295 bytes; allowed: 6000000"),
    "text": ('raw(b"{{{{forged")', "a frame of 2071690107 bytes; allowed: 6000000"),
    "not_ascii": (r'frame(b"\xff\xfe{}")', "a frame that is not JSON: 'ascii' codec can't decode byte 0xff in position 0: ordinal not in range(128)"),
    "array": ('frame(b"[1, 2]")', "a frame that is a list, not an object"),
    "deep": ("""frame(b'{"t": "out", "s": ' + b"[" * 10**5 + b"]" * 10**5 + b"}")""", "a frame nested deeper than 68"),
    "nan": ("""frame(b'{"t": "out", "s": NaN}')""", "a frame that is not JSON: NaN is not JSON"),
    "kind_unknown": ('send(t="eval", s="")', "a message of kind 'eval'; expected out or call or done"),
    "field_too_many": ('send(t="out", s="", x=1)', "a message 'out' with the fields ['s', 't', 'x']; expected ['s', 't']"),
    "text_number": ('send(t="out", s=5)', "a message 'out' whose 's' is a int"),
    "status_of_the_host": ('done(status="final")', "the status 'final'"),
    "deadlock": ('done(status="deadlock")', "the status 'deadlock'"),
    "tool_unknown": ('call(name="os.system")', "a call of 'os.system', which no function can be called"),
    "tool_special": ('call(name="__class__")', "a call of '__class__', which no function can be called"),
}  # fmt: skip
"""What a process may send in breach of the protocol, with what the host says about it."""


@pytest.mark.parametrize("name", BROKEN)
def test_breach_of_the_protocol_is_a_crash(name: str, take_over: Callable[..., Execution], host: Host) -> None:
    """The process is killed at once and nothing is called."""
    script, reason = BROKEN[name]
    execution = take_over(READY + script + STALL, wall_s=20)

    assert ("crash", f"the sandbox process broke the protocol: {reason}.\n{RESTARTED}") == (
        execution.status,
        execution.error,
    )
    assert host.calls == []


SILENT = {
    "nothing": "",
    "half_a_length": 'raw(b"\\x00\\x00")',
    "half_a_frame": 'raw(b"\\x00\\x00\\x10\\x00{")',
    "empty_output": 'while True: send(t="out", s="")',
    "errors_without_end": "while True: os.write(2, b'x' * 4096)",
}
"""Ways to keep the host waiting."""


@pytest.mark.parametrize("name", SILENT)
def test_keeping_the_host_waiting_costs_the_limit(name: str, take_over: Callable[..., Execution]) -> None:
    """The host waits for the program's time and no longer."""
    begin_s = time.monotonic()
    execution = take_over(READY + SILENT[name] + STALL)

    assert execution.status == "limit"
    assert time.monotonic() - begin_s < 5


def test_message_between_programs_is_a_crash(tmp_path: Path, host: Host) -> None:
    """What comes after a program's end and before the next one is no answer to it."""
    path = tmp_path / "child.py"
    path.write_text(f"{PRELUDE}{READY}done()\ndone(value='forged')\n{STALL}")
    taken = DenoRuntime(command=(sys.executable, "-S", "-E", str(path)))
    session = taken.start(Bindings(functions=FUNCTIONS, call=host), Limits())
    first = session.run("1")
    process = session._process
    assert process is not None
    select.select([process.channel._connection], [], [], 10)
    second = session.run("2")
    taken.close()

    assert first.status == "ok"
    assert (second.status, second.error) == (
        "crash",
        f"the sandbox process broke the protocol: a message before its program.\n{RESTARTED}",
    )


DEATHS = {
    "exit": ("sys.exit(3)", "the sandbox process died (exit status 3)."),
    "signal": ("os.kill(os.getpid(), signal.SIGSEGV)", "the sandbox process died (SIGSEGV)."),
}


@pytest.mark.parametrize("name", DEATHS)
def test_death_of_the_process_is_a_crash(name: str, take_over: Callable[..., Execution]) -> None:
    """The system says how it died."""
    script, reason = DEATHS[name]
    execution = take_over(READY + script)

    assert (execution.status, execution.error) == ("crash", f"{reason}\n{RESTARTED}")


def test_death_for_want_of_memory_is_a_limit(take_over: Callable[..., Execution]) -> None:
    """V8 says so with its last breath."""
    execution = take_over(READY + "os.write(2, b'# Fatal JavaScript out of memory: Reached heap limit')\nos.abort()")

    assert (execution.status, execution.error) == ("limit", f"memory limit of 536870912 bytes exceeded\n{RESTARTED}")


def test_death_at_the_start_is_an_error(take_over: Callable[..., Execution]) -> None:
    """A process that is never ready has run no program."""
    with pytest.raises(SandboxError) as raised:
        take_over("sys.exit(4)")

    assert str(raised.value) == (
        "the sandbox process did not start: the other side is gone; exit status 4; if it is the limit "
        "memory_bytes=536870912 that it needs more than, allow more"
    )

"""TypeScript programs as models write them, with what they must print and give."""

# ruff: noqa: E501  # a table of cases has one case to a line
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_codeact.runtimes import Bindings, CallReply, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_codeact.records import Json
    from pytest_codeact.runtimes import Interpreter
    from pytest_codeact.runtimes.deno import DenoRuntime

pytest.importorskip("deno")

ORDERS: list[dict[str, Json]] = [
    {"id": 1, "customer": "Ada", "total": 120.5, "status": "open", "tags": ["gift", "new"], "note": None},
    {"id": 2, "customer": "Bob", "total": 80, "status": "paid", "tags": [], "note": "call first"},
    {"id": 3, "customer": "Ada", "total": 19.99, "status": "open", "tags": ["gift"], "note": None},
]


def serve(name: str, _positional: list[Json], keywords: dict[str, Json]) -> CallReply:
    """Be the tools of a small shop."""
    if name == "list_orders":
        status = keywords.get("status")
        return CallReply(value=[each for each in ORDERS if status in (None, each["status"])])
    if name == "get_order":
        found = [each for each in ORDERS if each["id"] == keywords["id"]]
        if not found:
            return CallReply(error=f"no order {keywords['id']}; known orders: 1, 2, 3")
        return CallReply(value=found[0])
    return CallReply(final=name == "final_answer")


@pytest.fixture(scope="module")
def runtime() -> Iterator[DenoRuntime]:
    """Give a runtime."""
    from pytest_codeact.runtimes.deno import DenoRuntime

    made = DenoRuntime()
    yield made
    made.close()


@pytest.fixture
def session(runtime: DenoRuntime) -> Iterator[Interpreter]:
    """Give a session."""
    bindings = Bindings(functions=("list_orders", "get_order", "final_answer"), call=serve)
    made = runtime.start(bindings, Limits())
    yield made
    made.close()


PROGRAMS: dict[str, tuple[str, str, str | None]] = {
    "interfaces": (
        """
interface Order { id: number; customer: string; total: number; note?: string | null }
const order: Order = await tools.get_order({ id: 2 });
console.log(`${order.customer} owes ${order.total.toFixed(2)}`);
""",
        "Bob owes 80.00\n",
        None,
    ),
    "type_aliases_and_assertions": (
        """
type Status = "open" | "paid";
type Row = Pick<{ id: number; status: Status; extra: boolean }, "id" | "status">;
const rows = (await tools.list_orders()) as Row[];
const byStatus = rows.reduce<Record<Status, number>>((acc, r) => {
  acc[r.status] = (acc[r.status] ?? 0) + 1;
  return acc;
}, {} as Record<Status, number>);
byStatus satisfies Record<string, number>;
byStatus
""",
        "",
        "{ open: 2, paid: 1 }",
    ),
    "class_with_generics": (
        """
class Repository<T extends { id: number }> {
  private readonly items = new Map<number, T>();
  constructor(private name: string) {}
  add(item: T): this { this.items.set(item.id, item); return this; }
  get(id: number): T | undefined { return this.items.get(id); }
  get size(): number { return this.items.size; }
  static of<U extends { id: number }>(name: string, ...items: U[]): Repository<U> {
    const made = new Repository<U>(name);
    items.forEach((each) => made.add(each));
    return made;
  }
  toString() { return `${this.name}(${this.size})`; }
}
const repository = Repository.of("orders", { id: 1 }, { id: 5 });
console.log(String(repository), repository.get(5), repository.get(9));
""",
        "orders(2) { id: 5 } undefined\n",
        None,
    ),
    "enums": (
        """
enum Level { Low = 1, High = 5 }
enum Color { Red = "RED", Blue = "BLUE" }
const enum Flag { On = 1 << 2 }
console.log(Level.High, Level[1], Color.Blue, Flag.On, Object.values(Color));
""",
        '5 Low BLUE 4 [ "RED", "BLUE" ]\n',
        None,
    ),
    "namespace": (
        "namespace Money { export const rate = 1.2; export function gross(n: number) { return n * rate; } }\nMoney.gross(10)",
        "",
        "12",
    ),
    "abstract_inheritance": (
        """
abstract class Shape { abstract area(): number; describe() { return `${this.constructor.name}: ${this.area()}`; } }
class Square extends Shape { constructor(protected side: number) { super(); } area() { return this.side ** 2; } }
class Rect extends Square { constructor(side: number, private other: number) { super(side); }
  override area(): number { return this.side * this.other; } }
[new Square(3), new Rect(2, 5)].map((s: Shape) => s.describe()).join("; ")
""",
        "",
        '"Square: 9; Rect: 10"',
    ),
    "private_fields_and_accessors": (
        """
class Counter { #n = 0; static #made = 0; constructor() { Counter.#made++; } get value() { return this.#n; }
  set value(n) { if (n < 0) throw new RangeError("negative"); this.#n = n; } static get made() { return Counter.#made; }
  has(o: object) { return #n in o; } }
const c = new Counter(); c.value = 4; new Counter();
try { c.value = -1 } catch (e) { console.log((e as Error).message) }
console.log(c.value, Counter.made, c.has(c), c.has({}));
""",
        "negative\n4 2 true false\n",
        None,
    ),
    "async_helpers": (
        """
async function total(ids: number[]): Promise<number> {
  let sum = 0;
  for (const id of ids) sum += (await tools.get_order({ id })).total;
  return Math.round(sum * 100) / 100;
}
await total([1, 2, 3])
""",
        "",
        "220.49",
    ),
    "promise_all": (
        """
const orders = await Promise.all([1, 2, 3].map((id) => tools.get_order({ id })));
orders.map(({ customer }) => customer)
""",
        "",
        '[ "Ada", "Bob", "Ada" ]',
    ),
    "promise_all_settled": (
        """
const settled = await Promise.allSettled([tools.get_order({ id: 1 }), tools.get_order({ id: 99 })]);
settled.map((s) => s.status === "fulfilled" ? s.value.id : s.reason.message)
""",
        "",
        '[ 1, "no order 99; known orders: 1, 2, 3" ]',
    ),
    "main_function_not_awaited": (
        """
async function main(): Promise<void> {
  const open = await tools.list_orders({ status: "open" });
  console.log(open.length);
}
main();
""",
        "2\n",
        None,
    ),
    "main_with_catch": (
        'const main = async () => { await tools.get_order({ id: 7 }); };\nmain().catch((e) => console.error("failed:", e.message));',
        "failed: no order 7; known orders: 1, 2, 3\n",
        None,
    ),
    "immediately_invoked": (
        '(async () => {\n  const o = await tools.get_order({ id: 3 });\n  console.log(o.tags);\n})();\nconsole.log("begun");',
        'begun\n[ "gift" ]\n',
        None,
    ),
    "void_main": ('async function main() { console.log(await Promise.resolve("in")); }\nvoid main();', "in\n", None),
    "try_catch_finally": (
        """
function parse(text: string): unknown {
  try { return JSON.parse(text); } catch (error: unknown) {
    if (error instanceof SyntaxError) return "bad";
    throw error;
  } finally { console.log("parsed", text); }
}
[parse('{"a":1}'), parse("{")]
""",
        'parsed {"a":1}\nparsed {\n',
        '[ { a: 1 }, "bad" ]',
    ),
    "custom_errors": (
        """
class NotFound extends Error { constructor(readonly id: number, options?: ErrorOptions) { super(`no ${id}`, options); this.name = "NotFound"; } }
try { try { null!.x } catch (cause) { throw new NotFound(4, { cause }) } }
catch (e) { if (e instanceof NotFound) console.log(e.name, e.id, e.message, (e.cause as Error).name) }
""",
        "NotFound 4 no 4 TypeError\n",
        None,
    ),
    "tool_errors": (
        """
try { await tools.get_order({ id: 42 }); }
catch (e) { console.log(e instanceof ToolError, e instanceof Error, e.name, "-", e.message, `${e}`); }
""",
        "true true ToolError - no order 42; known orders: 1, 2, 3 ToolError: no order 42; known orders: 1, 2, 3\n",
        None,
    ),
    "destructuring": (
        """
const { id, tags: [first = "none", ...others], missing = { deep: 1 }, ...rest } = await tools.get_order({ id: 1 });
const swap = ([a, b]: [number, number]): [number, number] => [b, a];
console.log(id, first, others, missing.deep, Object.keys(rest), swap([1, 2]));
""",
        '1 gift [ "new" ] 1 [ "customer", "total", "status", "note" ] [ 2, 1 ]\n',
        None,
    ),
    "optional_chaining": (
        """
const o: any = await tools.get_order({ id: 1 });
console.log(o?.tags?.[1], o.note?.length, o.f?.(), o.note ?? "nothing", o.missing?.deep.deeper);
let n: number | null = null; n ??= 5; n ||= 6; n &&= n + 1; n
""",
        "new undefined undefined nothing undefined\n",
        "6",
    ),
    "map_and_set": (
        """
const byCustomer = new Map<string, number>();
for (const o of await tools.list_orders({})) byCustomer.set(o.customer, (byCustomer.get(o.customer) ?? 0) + o.total);
const tags = new Set((await tools.list_orders()).flatMap((o: { tags: string[] }) => o.tags));
console.log(byCustomer, [...tags].sort(), tags.has("gift"), new Set([1, 2]).union(new Set([3])));
""",
        'Map(2) { "Ada" => 140.49, "Bob" => 80 } [ "gift", "new" ] true Set(3) { 1, 2, 3 }\n',
        None,
    ),
    "group_by": (
        "const g = Object.groupBy(await tools.list_orders(), (o: any) => o.status);\nObject.entries(g).map(([k, v]) => [k, v!.length])",
        "",
        '[ [ "open", 2 ], [ "paid", 1 ] ]',
    ),
    "sorting": (
        """
const sorted = (await tools.list_orders()).toSorted((a, b) => a.customer.localeCompare(b.customer) || b.total - a.total);
console.log(sorted.map((o) => `${o.customer}:${o.id}`), sorted.at(-1)?.id, [3, 10, 2].sort(), [3, 10, 2].toSorted((a, b) => a - b));
""",
        '[ "Ada:1", "Ada:3", "Bob:2" ] 2 [ 10, 2, 3 ] [ 2, 3, 10 ]\n',
        None,
    ),
    "regular_expressions": (
        r"""
const text = "INV-001 due 2026-03-04, INV-017 due 2026-12-31";
const found = [...text.matchAll(/(?<number>INV-\d+) due (?<year>\d{4})-(?<month>\d\d)/g)].map((m) => m.groups!);
console.log(found.map((g) => `${g.number}/${g.month}`), text.replace(/(?<=INV-)0+/g, ""), /a\/b/.test("a/b"), 6 / 2 / 3);
""",
        '[ "INV-001/03", "INV-017/12" ] INV-1 due 2026-03-04, INV-17 due 2026-12-31 true 1\n',
        None,
    ),
    "dates": (
        """
const d = new Date("2026-03-01T00:00:00Z");
d.setDate(d.getDate() - 1);
console.log(d.toISOString().slice(0, 10), d.getDay(), new Date(2026, 0, 31).toISOString(), d.toLocaleDateString("en-GB"));
console.log(Temporal.PlainDate.from("2026-01-31").add({ months: 1 }).toString());
""",
        "2026-02-28 6 2026-01-31T00:00:00.000Z 28/02/2026\n2026-02-28\n",
        None,
    ),
    "intl": (
        'console.log(new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" }).format(1234.5), (1234567.891).toLocaleString("de-DE"));',
        "$1,234.50 1.234.567,891\n",
        None,
    ),
    "json": (
        'const o = await tools.get_order({ id: 3 });\nconsole.log(JSON.stringify(o, ["id", "tags"], 2)); JSON.parse(JSON.stringify({ d: new Date(0), u: undefined }))',
        '{\n  "id": 3,\n  "tags": [\n    "gift"\n  ]\n}\n',
        '{ d: "1970-01-01T00:00:00.000Z" }',
    ),
    "generators": (
        """
function* pages<T>(rows: T[], size: number): Generator<T[], void> { for (let i = 0; i < rows.length; i += size) yield rows.slice(i, i + size); }
function* both() { yield* [1, 2]; const x: number = yield 3; return x; }
const it = both(); it.next(); it.next(); it.next();
console.log([...pages([1, 2, 3, 4, 5], 2)], it.next(9), Iterator.from([1, 2, 3]).map((x) => x * 2).toArray());
""",
        "[ [ 1, 2 ], [ 3, 4 ], [ 5 ] ] { value: 9, done: true } [ 2, 4, 6 ]\n",
        None,
    ),
    "for_await": (
        """
async function* orders(ids: number[]) { for (const id of ids) yield await tools.get_order({ id }); }
let sum = 0;
for await (const o of orders([1, 2])) sum += o.total;
for await (const x of [Promise.resolve(1), 2]) sum += x;
sum
""",
        "",
        "203.5",
    ),
    "labelled_loops": (
        """
let found: string | undefined;
outer: for (let i = 1; i < 10; i++) { for (let j = 1; j < 10; j++) { if (i * j === 42) { found = `${i}x${j}`; break outer; } if (j > i) continue outer; } }
let n = 0; do { n += 2 } while (n < 7);
switch (n) { case 8: console.log("eight"); case 9: console.log("through"); break; default: console.log("no") }
found
""",
        "eight\nthrough\n",
        '"6x7"',
    ),
    "closures": (
        """
const counter = (start = 0) => { let n = start; return { next: () => ++n, reset() { n = start; } }; };
const a = counter(), b = counter(10); a.next(); a.next(); b.next(); b.reset();
const memo = <A, R>(f: (a: A) => R) => { const seen = new Map<A, R>(); return (x: A): R => seen.get(x) ?? (seen.set(x, f(x)), seen.get(x)!); };
const fib: (n: number) => number = memo((n: number): number => n < 2 ? n : fib(n - 1) + fib(n - 2));
[a.next(), b.next(), fib(50)]
""",
        "",
        "[ 3, 11, 12586269025 ]",
    ),
    "function_overloads": (
        """
function pick(x: string): string;
function pick(x: number): number;
function pick(x: any) { return x; }
declare const nothing: unknown;
function isOrder(o: unknown): o is { id: number } { return typeof o === "object" && o !== null && "id" in o; }
function check(x: unknown): asserts x is string { if (typeof x !== "string") throw new TypeError("no text"); }
check("a"); [pick("a"), pick(1), isOrder({ id: 1 }), isOrder(null)]
""",
        "",
        '[ "a", 1, true, false ]',
    ),
    "tagged_templates": (
        "const tag = (s: TemplateStringsArray, ...v: unknown[]) => s.raw.join('|') + v.join(',');\nconst nested = `a${`b${1 + 1}`}c`;\n[tag`x${1}y${nested}\\n`, `line\ntwo`]",
        "",
        '[ "x|y|\\\\n1,ab2c", "line\\ntwo" ]',
    ),
    "bigint_and_numbers": (
        "console.log(2n ** 64n, 0.1 + 0.2, 1_000_000, 0xff, Number.MAX_SAFE_INTEGER, parseInt('12px'), NaN, -0, 5 % -3, Math.hypot(3, 4));",
        "18446744073709551616n 0.30000000000000004 1000000 255 9007199254740991 12 NaN -0 2 5\n",
        None,
    ),
    "timers": (
        """
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const log: string[] = [];
setTimeout((x: string) => log.push(x), 50, "late");
const ticks = setInterval(() => log.push("tick"), 20);
await sleep(45); clearInterval(ticks); await sleep(60_000);
const quick = await Promise.race([tools.get_order({ id: 1 }), sleep(1).then(() => { throw new Error("timeout"); })]);
console.log(log, quick.id);
""",
        '[ "tick", "tick", "late" ] 1\n',
        None,
    ),
    "retry_with_backoff": (
        """
async function retry<T>(f: () => Promise<T>, tries = 3): Promise<T | null> {
  for (let i = 0; i < tries; i++) { try { return await f(); } catch (e) { console.warn(`try ${i + 1}: ${(e as Error).message}`); await new Promise((r) => setTimeout(r, 1000 * 2 ** i)); } }
  return null;
}
await retry(() => tools.get_order({ id: 8 }))
""",
        "".join(f"try {n}: no order 8; known orders: 1, 2, 3\n" for n in (1, 2, 3)),
        "null",
    ),
    "console_methods": (
        """
console.log("%s has %d", "Ada", 2, { a: [1, { b: { c: { d: 1 } } }] }); console.info(1); console.debug("d"); console.error("e");
console.group("group"); console.log("inside"); console.groupEnd(); console.assert(1 > 2, "never"); console.count(); console.dir({ x: 1 });
console.table([{ id: 1, total: 2.5 }]);
""",
        "Ada has 2 {\n  a: [\n    1,\n    { b: { c: { d: 1 } } }\n  ]\n}\n1\nd\ne\ngroup\n  inside\nAssertion failed: never\ndefault: 1\n{ x: 1 }\n"
        "┌───────┬────┬───────┐\n│ (idx) │ id │ total │\n├───────┼────┼───────┤\n│     0 │  1 │ 2.5   │\n└───────┴────┴───────┘\n",
        None,
    ),
    "exports": (
        "export interface A { x: number }\nexport const one: number = 1;\nexport async function two() { return 2; }\nexport default class Three {}\nexport { one as uno };\nexport {};\n[one, await two(), new Three()]",
        "",
        "[ 1, 2, Three {} ]",
    ),
    "line_for_a_shell": ("#!/usr/bin/env -S deno run\nconst a: number = 1;\na", "", "1"),
    "type_only_imports": ('import type { Order } from "./types.ts";\nconst o: Order = { id: 1 };\no', "", "{ id: 1 }"),
    "decorated_by_hand": (
        "const logged = <A extends unknown[], R>(f: (...a: A) => R) => (...a: A): R => { console.log(f.name, a); return f(...a); };\nfunction add(a: number, b: number) { return a + b; }\nlogged(add)(1, 2)",
        "add [ 1, 2 ]\n",
        "3",
    ),
    "text_encoding": (
        'const bytes = new TextEncoder().encode("zażółć");\nconst digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));\n[bytes.length, atob(btoa("ok")), digest.toHex().slice(0, 8), new URL("https://x.org/a?b=1").searchParams.get("b")]',
        "",
        '[ 10, "ok", "7eefe5e3", "1" ]',
    ),
    "structured_clone_and_freeze": (
        """
const a = { n: { m: [1] }, d: new Date(0) }; const b = structuredClone(a); b.n.m.push(2);
const frozen = Object.freeze({ x: 1 });
try { (frozen as any).x = 2; } catch (e) { console.log((e as Error).name); }
[a.n.m, b.n.m, Object.fromEntries(Object.entries({ p: 1 }).map(([k, v]) => [k + k, v * 2]))]
""",
        "TypeError\n",
        "[ [ 1 ], [ 1, 2 ], { pp: 2 } ]",
    ),
    "proxies_and_symbols": (
        """
const seen: string[] = []; const p = new Proxy({ a: 1 }, { get: (t, k) => { seen.push(String(k)); return Reflect.get(t, k); } });
class Range { constructor(private a: number, private b: number) {} *[Symbol.iterator]() { for (let i = this.a; i < this.b; i++) yield i; } get [Symbol.toStringTag]() { return "Range"; } }
[p.a, seen, [...new Range(1, 4)], String(new Range(0, 1))]
""",
        "",
        '[ 1, [ "a" ], [ 1, 2, 3 ], "[object Range]" ]',
    ),
    "resource_management": (
        'function open(name: string) { return { name, [Symbol.dispose]() { console.log("closed", name); } }; }\n{ using a = open("a"); using b = open("b"); console.log(a.name, b.name); }',
        "a b\nclosed b\nclosed a\n",
        None,
    ),
    "prototype_extension": (
        "declare global { interface Array<T> { last(): T | undefined } }\nArray.prototype.last = function () { return this[this.length - 1]; };\n[(await tools.list_orders()).last()!.id, [].last()]",
        "",
        "[ 3, undefined ]",
    ),
}  # fmt: skip
"""Per program: its source, its output and its value."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_honest_program_runs_as_in_deno(name: str, session: Interpreter) -> None:
    """A program as models write them gives what it gives in Deno."""
    source, output, value = PROGRAMS[name]
    execution = session.run(source)

    assert (execution.status, execution.error, execution.output, execution.value) == ("ok", None, output, value)


REPL: dict[str, tuple[list[str], str | None]] = {
    "const_again": (["const x: number = 1", "const x: string = 'b'", "x"], '"b"'),
    "let_after_const": (["const x = 1", "let x = 2; x += 1; x"], "3"),
    "function_again": (["function f() { return 1 }", "function f() { return 2 }", "f()"], "2"),
    "class_again": (["class A { a = 1 }", "class A { a = 2 }", "new A().a"], "2"),
    "const_after_function": (["function f() { return 1 }", "const f = () => 2;\nf()", "f()"], "2"),
    "function_after_const": (["const f = () => 1;", "async function f() { return 2 }\nawait f()"], "2"),
    "class_after_function": (["function A() {}", "class A { a = 3 }\nnew A().a"], "3"),
    "const_after_enum": (["enum E { A }", "const E = { A: 'x' }\nE.A"], '"x"'),
    "var_after_let": (["let x = 1", "var x = 5;\nx"], "5"),
    "enum_lives_on": (["enum E { A = 4 }", "E.A"], "4"),
    "tool_name_as_variable": (["const get_order = await tools.get_order({ id: 2 });", "get_order.customer"], '"Bob"'),
    "destructured_tools": (["const { get_order } = tools;", "(await get_order({ id: 2 })).id"], "2"),
    "awaited_const": (["const o = await tools.get_order({ id: 3 });", "o.total"], "19.99"),
    "closure_over_later_change": (["let n = 1; const get = () => n;", "n = 7;", "get()"], "7"),
    "after_an_error": (["const kept = 1; throw new Error('x')", "kept"], "1"),
    "interface_is_forgotten": (["interface A { x: number }", "const a: A = { x: 1 }; a"], "{ x: 1 }"),
    "object_at_the_end": (["({ a: 1, b: 'two' })"], '{ a: 1, b: "two" }'),
    "promise_at_the_end": (["Promise.resolve([1])"], "[ 1 ]"),
    "statement_at_the_end": (["const a = 1"], None),
    "undefined_at_the_end": (["undefined"], None),
    "null_at_the_end": (["null"], "null"),
    "text_at_the_end": (["'a'"], '"a"'),
    "function_at_the_end": (["(x: number) => x"], "[Function (anonymous)]"),
    "directive_is_a_value": (["'use strict'"], '"use strict"'),
    "empty": ([""], None),
    "comment": (["// nothing\n/* at all */"], None),
}
"""Per case: programs of one session, and the value of the last."""


@pytest.mark.parametrize("name", REPL)
def test_programs_follow_each_other_as_in_a_repl(name: str, session: Interpreter) -> None:
    """What is declared lives on and may be declared anew; the last expression is the value."""
    programs, value = REPL[name]
    *earlier, last = [session.run(each) for each in programs]

    assert (last.status, last.error, last.value) == ("ok", None, value)
    assert all(each.status in {"ok", "error"} for each in earlier)


ERRORS: dict[str, tuple[str, str]] = {
    "first_line": ("null.x", "TypeError: Cannot read properties of null (reading 'x')\n    at main.ts:1:6"),
    "types_keep_the_column": (
        "\nfunction f<T>(x: T): never { throw new Error('a') }\nf<number>(1)",
        "Error: a\n    at f (main.ts:2:36)\n    at main.ts:3:1",
    ),
    "enum_keeps_the_line": (
        "enum A { B }\n\n\nclass C { constructor(private n: number) {} go(): void {\n  undefinedName;\n} }\nnew C(1).go()",
        "ReferenceError: undefinedName is not defined\n    at C.go (main.ts:5:3)\n    at main.ts:7:10",
    ),
    "map_of_its_own": (
        'enum A { B }\nconst s = "//# sourceMappingURL=data:application/json;base64,e30=";\n\nnull.x',
        "TypeError: Cannot read properties of null (reading 'x')\n    at main.ts:4:",
    ),
    "asynchronous": (
        "async function a() { await null; throw new RangeError('r') }\nasync function b() {\n  await a();\n}\nawait b();",
        "RangeError: r\n    at a (main.ts:1:40)\n    at async b (main.ts:3:3)\n    at async main.ts:5:1",
    ),
    "constructor": ("class A { constructor() { this.f() } }\nnew A()", "TypeError: this.f is not a function\n    at new A (main.ts:1:32)\n    at main.ts:2:1"),
    "tool": ("const ids = [9];\nfor (const id of ids) {\n  await tools.get_order({ id });\n}", "ToolError: no order 9; known orders: 1, 2, 3\n    at main.ts:3:15"),
    "cause": (
        "throw new Error('outer', { cause: new TypeError('inner') })",
        "Error: outer\n    at main.ts:1:7 {\n  [cause]: TypeError: inner\n      at main.ts:1:35\n}",
    ),
    "not_an_error": ("throw { code: 4 }", "Uncaught { code: 4 }"),
    "text": ("throw 'text'", 'Uncaught "text"'),
    "not_awaited": ("tools.get_order({ id: 5 });\n'after'", "ToolError: no order 5; known orders: 1, 2, 3\n    at main.ts:1:7"),
    "in_a_timer": ("setTimeout(() => {\n  null.x\n}, 5)", "TypeError: Cannot read properties of null (reading 'x')\n    at main.ts:2:8"),
    "rejected": ("Promise.reject(new Error('r'))", "Error: r\n    at main.ts:1:16"),
    "json": ("JSON.parse('{x')", "SyntaxError: Expected property name or '}' in JSON at position 1 (line 1 column 2)\n    at main.ts:1:6"),
    "typescript_syntax": ("const a = 1;\nlet x: = 5;", "SyntaxError: Unexpected token `=`. Expected an identifier, void, yield, null, await, break, a string literal, a numeric literal, true, false, `, -, import, this, typeof, {, [, (\n  |\n2 | let x: = 5;\n  |        ~\n    at main.ts:2:8"),
    "unclosed": ("foo(", "SyntaxError: Expression expected\n  |\n1 | foo(\n  |     ~\n    at main.ts:1:5"),
    "return": ("const a = 1;\nreturn a;", "SyntaxError: Illegal return statement\n  |\n2 | return a;\n    at main.ts:2:1"),
    "declared_twice": ("const a = 1;\nconst a = 2;", "SyntaxError: Identifier 'a' has already been declared\n  |\n2 | const a = 2;\n    at main.ts:2:7"),
    "recursion": ("function f(n: number): number { return f(n + 1) }\nf(0)", "RangeError: Maximum call stack size exceeded\n    at f (main.ts:1:"),
    "reserved_word": ("const class = 5", "SyntaxError: "),
}  # fmt: skip
"""Per program: the beginning of its error."""


@pytest.mark.parametrize("name", ERRORS)
def test_error_shows_the_lines_of_the_program_alone(name: str, session: Interpreter) -> None:
    """Positions are those of the TypeScript, and no path of the host is in it."""
    source, begin = ERRORS[name]
    execution = session.run(source)

    assert (execution.status, (execution.error or "")[: len(begin)]) == ("error", begin)
    assert not [word for word in ("file://", "ext:", "harness", "node:") if word in (execution.error or "")]


def test_error_in_an_earlier_program_names_it(session: Interpreter) -> None:
    """The line of a function is that of the program that declared it."""
    session.run("\nfunction half(o: any) {\n  return o.a.b;\n}")
    execution = session.run("const z = 1;\nhalf({})")

    expected = "TypeError: Cannot read properties of undefined (reading 'b')\n    at half (main.ts (program 1):3:14)\n    at main.ts:2:1"
    assert execution.error == expected


def test_long_error_is_cut(session: Interpreter) -> None:
    """An error text is at most 4 kB, and says what was left out."""
    execution = session.run("throw new Error('x'.repeat(100_000))")

    assert execution.error is not None
    assert 3000 < len(execution.error) < 4200
    assert "characters left out ...]" in execution.error


def test_stack_is_the_programs_own(session: Interpreter) -> None:
    """A program that looks at a stack sees its own lines, whatever it does to how stacks are made."""
    look = "const s = new Error('e').stack; Error.prepareStackTrace = (_e, sites) => sites.length; [s, new Error('f').stack]"
    execution = session.run(look)
    outcome: Any = execution.value

    assert outcome == '[ "Error: e\\n    at main.ts:1:11", "Error: f\\n    at main.ts:1:92" ]'

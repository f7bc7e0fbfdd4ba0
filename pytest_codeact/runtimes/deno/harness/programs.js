// Programs on their way from TypeScript to a result, and the positions in their errors.
//
// V8's own REPL mode runs them, by the inspector: `const`, classes and imports stay from one program to the next and may
// be declared again, `await` works at the top, and the final expression is the value. What strips the types keeps every
// position; only enums, namespaces and parameter properties need code to be generated, and then a map.

import { stripTypeScriptTypes } from "node:module";
import { changeable, declaredAgain } from "./declarations.js";
import { original, takeMap } from "./mapping.js";

// The first line of each program begins with it, as modules are strict and an expression must not become a directive.
const PREFIX = "'use strict';void 0;";
const REPL_RESULT = ".repl_result";
const FRAMES = 20;
const { apply } = Reflect;
const { hasOwn } = Object;

const sources = [];

function strip(source) {
  try {
    return { text: stripTypeScriptTypes(source), lines: null };
  } catch {
    // The other mode also says where a syntax error is, which this one does not.
    return takeMap(stripTypeScriptTypes(source, { mode: "transform", sourceMap: true }));
  }
}

function compiled(source) {
  try {
    return strip(source);
  } catch (error) {
    throw new SyntaxError(
      String(error.message)
        .replaceAll("file:///stripTypeScriptTypes.ts", "main.ts")
        .replace(/^SyntaxError: /, ""),
    );
  }
}

/** Runs programs by an inspector session. */
export class Programs {
  #post;
  #receiver;
  #settle = null;

  constructor(session) {
    const post = session.post;
    this.#post = (method, parameters) =>
      new Promise((resolve, reject) => {
        apply(post, session, [method, parameters, (error, reply) => (error ? reject(error) : resolve(reply))]);
      });
  }

  /** Make ready. To be called once, before any program. */
  async open() {
    Object.defineProperty(globalThis, "receiver", { value: (value) => this.#settle(value), configurable: true });
    const { result } = await this.#post("Runtime.evaluate", { expression: "receiver" });
    delete globalThis.receiver;
    this.#receiver = result.objectId;
  }

  /** Run a program: {value}, or {error} and, if it is none of its own lines', where: [line, column]. */
  async run(source) {
    const number = sources.length;
    const program = { source, lines: null };
    sources.push(program);
    let text;
    try {
      // A script's first line, for a shell, is a comment only where nothing stands before it.
      ({ text, lines: program.lines } = compiled(source.replace(/^#!/, "//")));
      text = changeable(text);
    } catch (error) {
      return { error, shown: `SyntaxError: ${error.message}` };
    }
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#evaluate(text, number);
      const mended = attempt < 20 && outcome.details !== undefined ? this.#mended(text, outcome) : null;
      if (mended === null) return this.#outcome(outcome, number);
      text = mended;
    }
  }

  async #evaluate(text, number) {
    const { result, exceptionDetails: details } = await this.#post("Runtime.evaluate", {
      expression: `${PREFIX}${text}\n//# sourceURL=main.ts@${number}`,
      replMode: true,
      objectGroup: "program",
    });
    const remote = details?.exception ?? result;
    const argument = {};
    for (const key of ["objectId", "value", "unserializableValue"]) if (key in remote) argument[key] = remote[key];
    let value;
    this.#settle = (given) => (value = given);
    await this.#post("Runtime.callFunctionOn", {
      functionDeclaration: "function (value) { this(value); }",
      objectId: this.#receiver,
      arguments: [argument],
    });
    await this.#post("Runtime.releaseObjectGroup", { objectGroup: "program" });
    if (details !== undefined) return { error: value, details };
    // A promise is awaited here and not by the inspector, which crashes Deno 2.9 when such a promise becomes garbage. A
    // program with an `await` at its top gives one, of an object that has the value.
    if (!(value instanceof Promise)) return { value };
    try {
      const settled = await value;
      const wrapped = settled !== null && typeof settled === "object" && hasOwn(settled, REPL_RESULT);
      return { value: wrapped ? settled[REPL_RESULT] : settled };
    } catch (error) {
      return { error };
    }
  }

  // A program that the REPL would refuse and a module or another REPL would take. Nothing of it has run.
  #mended(text, { error, details }) {
    if (!uncompiled(error)) return null;
    if (error.message === "Unexpected token 'export'") return withoutExport(text, place(details));
    const taken = /^Identifier '([\w$]+)' has already been declared$/.exec(error.message);
    return taken === null ? null : declaredAgain(text, taken[1]);
  }

  #outcome(outcome, number) {
    const { error, details } = outcome;
    if (details === undefined || !uncompiled(error)) return outcome;
    let [line, column] = place(details);
    const program = sources[number];
    const shown = `SyntaxError: ${error.message}`;
    if (column < 1) return { error, shown };
    if (program.lines !== null) [line, column] = original(program.lines, line, column);
    const code = program.source.split("\n")[line - 1] ?? "";
    return { error, shown: `${shown}\n  |\n${line} | ${code}\n    at main.ts:${line}:${column}` };
  }
}

function place(details) {
  const line = details.lineNumber + 1;
  return [line, details.columnNumber + 1 - (line === 1 ? PREFIX.length : 0)];
}

// A program that V8 does not compile has no frame of its own.
function uncompiled(error) {
  return error instanceof SyntaxError && !/^ +at .*main\.ts/m.test(String(error.stack));
}

const blank = (found) => found.replace(/[^\n]/g, " ");

function withoutExport(text, [line, column]) {
  const lines = text.split("\n");
  const begin = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
  const rest = text.slice(begin);
  const mended = rest.replace(/^export\s*\{[^}]*\}(?!\s*from)\s*;?|^export\s+default\s|^export\s+(?![*{])/, blank);
  return mended === rest ? null : text.slice(0, begin) + mended;
}

/** Give the text of an error's stack: its message, and the lines of programs alone. */
export function stack(error, sites) {
  let text = heading(error);
  let shown = 0;
  for (let index = 0; index < sites.length && shown < FRAMES; index++) {
    const frame = frameText(sites[index]);
    if (frame === null) continue;
    shown += 1;
    text += `\n    at ${frame}`;
  }
  return text;
}

function heading(error) {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "Error";
  }
}

function frameText(site) {
  const file = /^main\.ts@(\d+)$/.exec(site.getScriptNameOrSourceURL() ?? "");
  if (file === null) return null;
  const number = Number(file[1]);
  let line = site.getLineNumber();
  let column = site.getColumnNumber() - (line === 1 ? PREFIX.length : 0);
  // Where V8 finds that a declaration clashes it is before the first character.
  if (column < 1) return null;
  const lines = sources[number]?.lines;
  if (lines) [line, column] = original(lines, line, column);
  const earlier = number ? ` (program ${number})` : " (declarations)";
  const where = `main.ts${number === sources.length - 1 ? "" : earlier}:${line}:${column}`;
  const name = functionName(site);
  const asynchronous = site.isAsync() ? "async " : "";
  return name ? `${asynchronous}${name} (${where})` : `${asynchronous}${where}`;
}

function functionName(site) {
  const name = site.getFunctionName();
  if (site.isConstructor()) return `new ${name ?? "<anonymous>"}`;
  const type = site.isToplevel() ? null : site.getTypeName();
  if (!name) return "";
  return type && type !== "Object" && !name.includes(".") ? `${type}.${name}` : name;
}

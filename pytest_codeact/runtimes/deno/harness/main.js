// The process that runs a trial's programs. See the Python side for what it may do and what is believed of it.

import { Session } from "node:inspector";
import { Calls, ToolError } from "./calls.js";
import { clocks } from "./clock.js";
import { receive, send, sendText } from "./channel.js";
import { Denials, furnish } from "./globals.js";
import { cut, Output } from "./output.js";
import { Programs, stack } from "./programs.js";
import { Timers } from "./timers.js";

const ERROR_LENGTH = 4096;
const COMMAND_LINE =
  /, run again with the --allow-[\w-]+ flag|[;,] but --no-\w+ is specified| and not in import map from "file:\/\/\/"/g;
const { exit, inspect } = Deno;
const { Console } = Deno[Deno.internal];
const immediately = setImmediate;
const NativePromise = Promise;

const session = new Session();
session.connect();
// The one permission of the process, given up for good before any program is read.
await Deno.permissions.revoke({ name: "sys", kind: "inspector" });

const start = await receive();
if (start === null) exit(0);
const programs = new Programs(session);
await programs.open();

let running = false;
let uncaught = null;
const denials = new Denials();
const output = new Output(send);
const calls = new Calls(sendText, start, () => running);
const timers = new Timers(() => !running || calls.waiting);

function fail(event, error) {
  event.preventDefault();
  uncaught ??= { error };
}

addEventListener("error", (event) => fail(event, event.error));
addEventListener("unhandledrejection", (event) => fail(event, event.reason));

const functions = { __proto__: null };
for (const name of start.functions) functions[name] = calls.function(name);
const timer = (repeats) => (callback, delay, ...args) => timers.add(callback, delay, args, repeats);
const frozen = start.frozen_clock_s;
furnish({
  denials,
  stack,
  given: {
    ...(frozen === null ? {} : clocks(() => Math.floor(frozen * 1000 + timers.clock))),
    ...functions,
    tools: calls.tools(functions),
    ToolError,
    console: new Console((text) => output.print(text, running)),
    setTimeout: timer(false),
    setInterval: timer(true),
    setImmediate: (callback, ...args) => timers.add(callback, 0, args, false),
    clearTimeout: (id) => timers.remove(id),
    clearInterval: (id) => timers.remove(id),
    clearImmediate: (id) => timers.remove(id),
    reportError: (error) => {
      uncaught ??= { error };
    },
  },
});

function turn() {
  return new NativePromise((resolve) => immediately(resolve));
}

/** Run a program to its end: until its value is known and no call or timeout that it began is open. */
async function outcome(source) {
  uncaught = null;
  let came = await programs.run(source);
  if (!("error" in came) && came.value instanceof NativePromise) {
    try {
      came = { value: await came.value };
    } catch (error) {
      came = { error };
    }
  }
  // An error that nobody handles is known a turn later.
  await turn();
  while (calls.waiting || timers.waiting) {
    if (calls.waiting) await calls.answered();
    await turn();
  }
  timers.clear();
  return "error" in came || uncaught === null ? came : uncaught;
}

function shown(value) {
  try {
    return inspect(value, { colors: false });
  } catch (error) {
    return `[a value that cannot be shown: ${error}]`;
  }
}

/** Give what to tell of a failure: [status, text]. */
function told({ error, shown: text }) {
  // An error without a line of a program is shown in brackets.
  text ??= error instanceof Error ? shown(error).replace(/^\[(.*)\]$/s, "$1") : `Uncaught ${shown(error)}`;
  // The model has no command line to change.
  text = cut(text.replace(COMMAND_LINE, ""), ERROR_LENGTH);
  const advice = denials.advice(error);
  if (advice) return ["denied", `${text}\n${advice}`];
  if (error instanceof RangeError && error.message === "Array buffer allocation failed") return ["memory", text];
  return ["error", text];
}

async function run(source) {
  running = true;
  output.begin();
  calls.begin();
  timers.schedule();
  const came = await outcome(source);
  const done = { t: "done", status: "ok", result: null, err: null };
  if ("error" in came) [done.status, done.err] = told(came);
  else if (came.value !== undefined) done.result = cut(shown(came.value), start.value_bytes);
  output.flush();
  running = false;
  send(done);
}

function answer(message) {
  calls.answer(message);
  timers.schedule();
}

const declared = await outcome(start.declarations);
send({ t: "ready", error: "error" in declared ? told(declared)[1] : null });

for (;;) {
  const message = await receive();
  if (message === null) exit(0);
  else if (message.t === "run") run(message.source);
  else answer(message);
}

// Calls of tools: one at a time goes to the test process, in the order in which the program made them.

import { Encoder, isNamed } from "./encode.js";

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const { stringify } = JSON;
const NativePromise = Promise;
/** Asked of any object by the language and by what shows it; no tools. */
const ASKED = new Set(["then", "toJSON", "constructor", "toString", "valueOf", "prototype", "inspect"]);

export class ToolError extends Error {
  get name() {
    return "ToolError";
  }
}

/** The calls of programs. */
export class Calls {
  #sendText;
  #limits;
  #number = 0;
  #queue = [];
  #sent = null;
  #wake = null;
  #open;

  /** `sendText` sends a message given as JSON text; `open` says whether the test process takes calls. */
  constructor(sendText, limits, open) {
    this.#sendText = sendText;
    this.#open = open;
    this.#limits = limits;
  }

  /** Whether a call has no answer yet. */
  get waiting() {
    return this.#sent !== null || this.#queue.length > 0;
  }

  /** A program begins. Calls that an earlier one made after its end are sent now. */
  begin() {
    this.#next();
  }

  /** Wait for the next answer. */
  answered() {
    return new NativePromise((resolve) => (this.#wake = resolve));
  }

  /** Give the function of a tool. */
  function(name) {
    const calls = this;
    const tool = {
      [name](...args) {
        return new NativePromise((resolve, reject) => {
          const [positional, keywords] = new Encoder(name, calls.#limits).encode(args, isNamed(name, args));
          // Made now, the error of a call that fails has the line that made the call.
          const error = new ToolError();
          calls.#queue.push({ name, positional, keywords, resolve, reject, error });
          calls.#next();
        });
      },
    };
    return tool[name];
  }

  /** Give the object whose attributes are the functions, and whose other attributes are tools that are unknown. */
  tools(functions) {
    return new Proxy(functions, {
      get: (target, key) => {
        if (key in target || typeof key === "symbol" || ASKED.has(key) || !NAME.test(key)) return target[key];
        return this.function(key);
      },
    });
  }

  /** Take the answer to the call that was sent. */
  answer({ value, error }) {
    const call = this.#sent;
    this.#sent = null;
    if (error === null) {
      call.resolve(value);
    } else {
      const { stack } = call.error;
      Object.defineProperty(call.error, "message", { value: error, writable: true, configurable: true });
      const lines = stack.slice("ToolError".length);
      Object.defineProperty(call.error, "stack", {
        value: `ToolError: ${error}${lines}`,
        writable: true,
        configurable: true,
      });
      call.reject(call.error);
    }
    this.#next();
    this.#wake?.();
  }

  #next() {
    if (this.#sent !== null || this.#queue.length === 0 || !this.#open()) return;
    this.#sent = this.#queue.shift();
    const { name, positional, keywords } = this.#sent;
    this.#number += 1;
    const head = `{"t":"call","id":${this.#number},"name":${stringify(name)}`;
    this.#sendText(`${head},"args":${positional},"kw":${keywords}}`);
  }
}

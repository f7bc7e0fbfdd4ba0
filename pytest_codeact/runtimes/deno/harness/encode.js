// The arguments of a call as JSON text: what JSON.stringify would silently change or drop is an error that says what
// to pass instead.

const { stringify } = JSON;
const { isArray } = Array;
const { isFinite } = Number;
const { apply } = Reflect;
const { keys, getPrototypeOf } = Object;
const bigintToString = BigInt.prototype.toString;
const prototypeOfObject = Object.prototype;
const { isView } = ArrayBuffer;
const Fault = Error;
const Type = TypeError;
const Range = RangeError;
const encoder = new TextEncoder();
const encode = TextEncoder.prototype.encode;

const ADVICE = {
  __proto__: null,
  Map: "pass Object.fromEntries(...) of it",
  Set: "pass [...it]",
  WeakMap: "pass a plain object",
  WeakSet: "pass an array",
  Promise: "await it first",
  Function: "call it first",
  AsyncFunction: "call and await it first",
  RegExp: "pass its .source",
  Error: "pass its .message",
  ArrayBuffer: "pass Array.from(new Uint8Array(it))",
  "typed array": "pass Array.from(...) of it",
  iterator: "pass [...it]",
};

/** Give the name of an object's class. */
function className(value) {
  try {
    return getPrototypeOf(value)?.constructor?.name || "object";
  } catch {
    return "object";
  }
}

function kindOf(value) {
  if (isView(value)) return "typed array";
  if (value instanceof Fault) return "Error";
  return typeof value.next === "function" ? "iterator" : className(value);
}

function isPlain(value) {
  const prototype = getPrototypeOf(value);
  return prototype === null || prototype === prototypeOfObject;
}

/** Encodes the arguments of one call. */
export class Encoder {
  #limits;
  #name;
  #path = "";

  constructor(name, limits) {
    this.#name = name;
    this.#limits = limits;
  }

  /** Give `[positional, keywords]` as JSON texts: one object of named arguments, or positional ones. */
  encode(args, named) {
    let positional = "[]";
    let keywords = "{}";
    if (named) {
      keywords = this.#record(args[0], 0, (key) => `argument ${stringify(key)}`);
    } else {
      positional = "";
      for (let index = 0; index < args.length; index++) {
        this.#path = `argument ${index + 1}`;
        positional += (index ? "," : "") + (this.#value(args[index], 0) ?? "null");
      }
      positional = `[${positional}]`;
    }
    const size = apply(encode, encoder, [positional + keywords]).length;
    if (size > this.#limits.argument_bytes) {
      throw new Range(
        `${this.#name}(): the arguments are ${size} bytes of JSON; allowed: ${this.#limits.argument_bytes}; ` +
          "pass less at a time",
      );
    }
    return [positional, keywords];
  }

  // undefined stands for what JSON leaves out.
  #value(value, depth) {
    switch (typeof value) {
      case "string":
      case "boolean":
        return stringify(value);
      case "number":
        if (!isFinite(value)) this.#fail(Range, `is ${value}, which is not JSON`, "pass null or a finite number");
        return stringify(value);
      case "bigint":
        return this.#integer(value);
      case "undefined":
        return undefined;
      case "object":
        if (value === null) return "null";
        return this.#object(value, depth);
      default:
        return this.#refuse(typeof value === "symbol" ? "symbol" : className(value));
    }
  }

  #integer(value) {
    const bits = apply(bigintToString, value < 0n ? -value : value, [2]).length;
    if (bits > this.#limits.integer_bits) {
      const problem = `is an integer of more than ${this.#limits.integer_bits} bits`;
      this.#fail(Range, problem, "pass String(...) of it");
    }
    return apply(bigintToString, value, []);
  }

  #object(value, depth) {
    if (depth >= this.#limits.nesting - 1) {
      this.#fail(Range, `is nested deeper than ${this.#limits.nesting}`, "pass a flatter value");
    }
    if (isArray(value)) return this.#array(value, depth + 1);
    if (!isPlain(value)) {
      // A date says by itself what it is in JSON, and so may a program's own class.
      if (typeof value.toJSON === "function") return this.#value(value.toJSON(), depth + 1);
      const name = kindOf(value);
      if (name in ADVICE) return this.#refuse(name);
    }
    return this.#record(value, depth + 1, (key) => `[${stringify(key)}]`);
  }

  #array(value, depth) {
    const before = this.#path;
    let text = "";
    for (let index = 0; index < value.length; index++) {
      this.#path = `${before}[${index}]`;
      text += (index ? "," : "") + (this.#value(value[index], depth) ?? "null");
    }
    this.#path = before;
    return `[${text}]`;
  }

  #record(value, depth, step) {
    const before = this.#path;
    const names = keys(value);
    let text = "";
    for (let index = 0; index < names.length; index++) {
      this.#path = before + step(names[index]);
      const encoded = this.#value(value[names[index]], depth);
      if (encoded !== undefined) text += `${text ? "," : ""}${stringify(names[index])}:${encoded}`;
    }
    this.#path = before;
    return `{${text}}`;
  }

  #refuse(name) {
    const advice = ADVICE[name] ?? "pass JSON values: null, boolean, number, string, array or object";
    return this.#fail(Type, `is of type ${name}, which is not JSON`, advice);
  }

  #fail(Kind, problem, advice) {
    throw new Kind(`${this.#name}(): ${this.#path} ${problem}; ${advice}`);
  }
}

/** Say whether a call's arguments are one object of named arguments. */
export function isNamed(name, args) {
  if (args.length !== 1 || typeof args[0] !== "object" || args[0] === null) return false;
  if (!isPlain(args[0])) return false;
  // An answer may itself be an object: only {answer: ...} names the parameter.
  if (name !== "final_answer") return true;
  const names = keys(args[0]);
  return names.length === 1 && names[0] === "answer";
}

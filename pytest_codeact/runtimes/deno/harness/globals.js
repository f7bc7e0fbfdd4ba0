// What programs find in the global scope, and how they are told of what they do not find.

const ALLOWED = new Set([
  ...["Object", "Function", "Array", "Number", "parseFloat", "parseInt", "Infinity", "NaN", "undefined", "Boolean"],
  ...["String", "Symbol", "Date", "Promise", "RegExp", "Error", "AggregateError", "EvalError", "RangeError"],
  ...["ReferenceError", "SyntaxError", "TypeError", "URIError", "SuppressedError", "globalThis", "JSON", "Math", "Intl"],
  ...["ArrayBuffer", "SharedArrayBuffer", "Atomics", "Uint8Array", "Int8Array", "Uint16Array", "Int16Array"],
  ...["Uint32Array", "Int32Array", "BigUint64Array", "BigInt64Array", "Uint8ClampedArray", "Float16Array"],
  ...["Float32Array", "Float64Array", "DataView", "Map", "BigInt", "Set", "Iterator", "WeakMap", "WeakSet", "Proxy"],
  ...["Reflect", "FinalizationRegistry", "WeakRef", "decodeURI", "decodeURIComponent", "encodeURI"],
  ...["encodeURIComponent", "escape", "unescape", "eval", "isFinite", "isNaN", "queueMicrotask", "structuredClone"],
  ...["AbortController", "AbortSignal", "Event", "EventTarget", "CustomEvent", "ErrorEvent", "DOMException"],
  ...["TextDecoder", "TextEncoder", "URL", "URLSearchParams", "URLPattern", "Headers", "FormData", "Blob", "File"],
  ...["atob", "btoa", "Buffer", "crypto", "Crypto", "CryptoKey", "SubtleCrypto", "performance", "Performance", "Temporal"],
  ...["DisposableStack", "AsyncDisposableStack", "WebAssembly", "ReadableStream", "WritableStream"],
  ...["TransformStream", "CompressionStream", "DecompressionStream", "TextDecoderStream", "TextEncoderStream"],
]);

const ADVICE =
  "programs have no modules, files, network, environment or processes; they have the tools, as tools.NAME({...}), " +
  "console, and JavaScript's own objects";

/** Names that programs may expect of other surroundings: Node, Bun, CommonJS. */
const ELSEWHERE = ["require", "module", "exports", "Bun", "__dirname", "__filename"];

const REFUSED_IMPORT = /^Cannot use import statement outside a module|^modules are not available/;

/** Knows the errors that the sandbox, not the program, is the cause of. */
export class Denials {
  #own = new WeakSet();
  #removed = new Set(ELSEWHERE);
  #NotCapable = Deno.errors.NotCapable;

  /** Say that a name was taken away. */
  remove(name) {
    this.#removed.add(name);
  }

  /** Throw the error of something that is not there. */
  refuse(what) {
    const error = new this.#NotCapable(`${what} is not available`);
    this.#own.add(error);
    throw error;
  }

  /** Give what to tell of an error that is a denial. "" for any other. */
  advice(error) {
    if (typeof error !== "object" || error === null) return "";
    try {
      const missing = error instanceof ReferenceError && /^(\w+) is not defined$/.exec(error.message);
      const denied =
        this.#own.has(error) ||
        error instanceof this.#NotCapable ||
        (missing && this.#removed.has(missing[1])) ||
        error.code === "ERR_MODULE_NOT_FOUND" ||
        ((error instanceof TypeError || error instanceof SyntaxError) && REFUSED_IMPORT.test(error.message));
      return denied ? ADVICE : "";
    } catch {
      return "";
    }
  }
}

/** Give a thing that can be looked at and throws when it is used. */
function absent(name, denials) {
  return new Proxy(function () {}, {
    apply: () => denials.refuse(name),
    construct: () => denials.refuse(name),
    get: (_target, key) => (typeof key === "symbol" ? undefined : denials.refuse(`${name}.${key}`)),
  });
}

/** Give what programs find as `Deno`: how to show a value, and what says that the rest is not there. */
function denoOfPrograms(denials) {
  const { inspect, version, errors } = Deno;
  const names = new Set(Object.keys(Deno));
  const kept = { __proto__: null, inspect, version, errors, args: Object.freeze([]), noColor: true };
  return new Proxy(kept, {
    get: (target, key) => {
      if (key in target) return target[key];
      return names.has(key) ? absent(`Deno.${key}`, denials) : undefined;
    },
    has: (target, key) => key in target,
  });
}

function define(name, value, changes = true) {
  Object.defineProperty(globalThis, name, { value, writable: changes, configurable: changes, enumerable: false });
}

/** Leave of the global scope what programs may have, and add what they are given. */
export function furnish({ denials, stack, given }) {
  const deno = denoOfPrograms(denials);
  // Symbols stay: they mark the object as the target of events.
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (ALLOWED.has(name)) continue;
    delete globalThis[name];
    denials.remove(name);
  }
  Object.defineProperty(Error, "prepareStackTrace", { get: () => stack, set: () => {} });
  Error.stackTraceLimit = 50;
  Object.defineProperty(BigInt.prototype, "toJSON", {
    value: function toJSON() {
      return JSON.rawJSON(BigInt.prototype.toString.call(this));
    },
    writable: true,
    configurable: true,
  });
  define("Deno", deno);
  define("fetch", absent("fetch", denials));
  for (const name of Object.keys(given)) define(name, given[name]);
}

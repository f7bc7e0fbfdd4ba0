// The declarations at the top of a program, found by its tokens. V8's REPL mode lets a name be declared again only as
// what it was: `let` after `let`, `function` after `function`. A program that follows another need not know how that one
// declared a name, so every `const` at the top is run as `let`, and what still clashes is declared as the earlier was.

const SPACE = /\s/;
const WORD = /[\w$\u0080-\uffff]/;
const BEFORE_REGEX =
  /^(return|typeof|instanceof|in|of|new|delete|void|throw|case|do|else|await|yield)$|^[^\w$\u0080-\uffff)\]"'`]$/;
// After any other symbol the word begins an expression, or is the name of a property.
const BEFORE_STATEMENT = /^$|[;:})\]\w$\u0080-\uffff"'`/]$/;
const DECLARES = new Set(["const", "let", "var", "function", "class"]);

/** Reads tokens; what they are is not told apart further than is needed to find the words at the top. */
class Scanner {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.depth = 0;
    this.last = "";
    // Depths at which a `}` ends a substitution of a template.
    this.templates = [];
  }

  /** Give the next token, as [position, text]; literals are given as their first character. null at the end. */
  next() {
    this.#skip();
    if (this.at >= this.text.length) return null;
    const begin = this.at;
    const character = this.text[begin];
    if (WORD.test(character)) while (this.at < this.text.length && WORD.test(this.text[this.at])) this.at += 1;
    else this.#symbol(character);
    const token = WORD.test(character) ? this.text.slice(begin, this.at) : character;
    this.last = token;
    return [begin, token];
  }

  #skip() {
    for (;;) {
      const { text, at } = this;
      if (at < text.length && SPACE.test(text[at])) this.at += 1;
      else if (text.startsWith("//", at)) this.at = end(text.indexOf("\n", at), text);
      else if (text.startsWith("/*", at)) this.at = end(text.indexOf("*/", at) + 1, text) + 1;
      else return;
    }
  }

  #symbol(character) {
    this.at += 1;
    if (character === "'" || character === '"') this.#literal(character);
    else if (character === "`") this.#template();
    else if (character === "/" && (this.last === "" || BEFORE_REGEX.test(this.last))) this.#regex();
    else if ("([{".includes(character)) this.depth += 1;
    else if (")]}".includes(character)) this.#close(character);
  }

  #close(character) {
    this.depth -= 1;
    if (character === "}" && this.templates.at(-1) === this.depth) {
      this.templates.pop();
      this.#template();
    }
  }

  #literal(quote) {
    while (this.at < this.text.length && this.text[this.at] !== quote) this.at += this.text[this.at] === "\\" ? 2 : 1;
    this.at += 1;
  }

  #template() {
    for (; this.at < this.text.length; this.at++) {
      const character = this.text[this.at];
      if (character === "\\") {
        this.at += 1;
      } else if (character === "`") {
        this.at += 1;
        return;
      } else if (character === "$" && this.text[this.at + 1] === "{") {
        this.at += 2;
        this.templates.push(this.depth);
        this.depth += 1;
        return;
      }
    }
  }

  #regex() {
    let inClass = false;
    for (; this.at < this.text.length && this.text[this.at] !== "\n"; this.at++) {
      const character = this.text[this.at];
      if (character === "\\") this.at += 1;
      else if (character === "[") inClass = true;
      else if (character === "]") inClass = false;
      else if (character === "/" && !inClass) break;
    }
    this.at += 1;
  }
}

function end(found, text) {
  return found < 1 ? text.length : found;
}

/** Give the declarations at the top: {at, end, word, name}. Those of a pattern have no name. */
export function declarations(text) {
  const scanner = new Scanner(text);
  const found = [];
  let open = null;
  let asynchronous = null;
  let before = "";
  for (let token = scanner.next(); token !== null; token = scanner.next()) {
    const [at, word] = token;
    if (open !== null && word === "}" && scanner.depth === 0) {
      open.end = at + 1;
      open = null;
    } else if (open === null && scanner.depth === 0 && DECLARES.has(word) && BEFORE_STATEMENT.test(before)) {
      const declaration = declared(scanner, asynchronous ?? at, word);
      found.push(declaration);
      if (word === "function" || word === "class") open = declaration;
    }
    asynchronous = word === "async" ? at : null;
    // An `async` belongs to its function.
    if (asynchronous === null) before = word;
  }
  return found;
}

function declared(scanner, at, word) {
  const name = /^[\s*]*([\w$\u0080-\uffff]+)/.exec(scanner.text.slice(scanner.at, scanner.at + 300))?.[1] ?? "";
  return { at, end: null, word, name };
}

/** Give a program with each `const` at its top as `let`. No position changes. */
export function changeable(text) {
  let changed = text;
  for (const { at, word } of declarations(text)) {
    if (word === "const") changed = `${changed.slice(0, at)}let  ${changed.slice(at + 5)}`;
  }
  return changed;
}

/** Give a program that declares `name` as it was declared before. null if it does not declare it. */
export function declaredAgain(text, name) {
  const earlier = Object.hasOwn(globalThis, name) ? "var" : "let";
  for (const { at, end, word, name: found } of declarations(text)) {
    if (found !== name || word === earlier) continue;
    if (word === "let" || word === "var") return text.slice(0, at) + earlier + text.slice(at + 3);
    if (end === null) continue;
    return `${text.slice(0, at)}${earlier} ${name} = ${text.slice(at, end)};${text.slice(end)}`;
  }
  return null;
}

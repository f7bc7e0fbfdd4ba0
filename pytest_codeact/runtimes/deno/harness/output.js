// What programs print, on its way to the test process.

const PIECE = 100_000;
const AT_ONCE = 100;
const WITHIN_MS = 20;
const { now } = performance;

/** Sends printed text: at once at first, so that a loop without end does not hide it, then in larger pieces. */
export class Output {
  #send;
  #held = "";
  #sent = 0;
  #last = 0;

  /** `send` sends a message. */
  constructor(send) {
    this.#send = send;
  }

  /** A program begins. What was printed between two programs is the later one's. */
  begin() {
    this.#sent = 0;
    this.flush();
  }

  /** Take printed text. `open` says whether the test process takes messages. */
  print(text, open) {
    this.#held += text;
    if (!open) {
      this.#held = this.#held.slice(-PIECE);
    } else if (this.#sent < AT_ONCE || this.#held.length > PIECE / 4 || now.call(performance) - this.#last > WITHIN_MS) {
      this.flush();
    }
  }

  /** Send what is held. */
  flush() {
    const text = this.#held;
    this.#held = "";
    for (let index = 0; index < text.length; index += PIECE) {
      this.#send({ t: "out", s: text.slice(index, index + PIECE) });
    }
    this.#sent += 1;
    this.#last = now.call(performance);
  }
}

/** Leave out the middle of a text of more than `limit` UTF-16 code units, and say so in its place. */
export function cut(text, limit) {
  if (text.length <= limit) return text;
  const kept = Math.max(0, limit - 64);
  const tail = kept >> 1;
  const left = `\n[... ${text.length - kept} characters left out ...]\n`;
  return text.slice(0, kept - tail) + left + text.slice(text.length - tail);
}

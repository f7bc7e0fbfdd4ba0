// Timers without waiting: a time limit is not for sleeping in. They fire in the order of their time, one at a turn, and
// only while no call is with the test process, so that a call always beats the timeout it races with.

const immediately = globalThis.setImmediate;

/** The timers of the programs. */
export class Timers {
  #busy;
  #clock = 0;
  #last = 0;
  #pending = new Map();
  #scheduled = false;

  /** `busy` says whether timers have to wait. */
  constructor(busy) {
    this.#busy = busy;
  }

  /** Milliseconds by which timers have moved the clock on. */
  get clock() {
    return this.#clock;
  }

  /** Whether a timeout, not only an interval, is still to fire. */
  get waiting() {
    for (const timer of this.#pending.values()) if (timer.every === null) return true;
    return false;
  }

  add(callback, delay, args, repeats) {
    if (typeof callback !== "function") throw new TypeError("a timer needs a function");
    const wait = Math.max(0, Number(delay) || 0);
    const id = ++this.#last;
    this.#pending.set(id, { callback, args, due: this.#clock + wait, every: repeats ? Math.max(1, wait) : null });
    this.schedule();
    return id;
  }

  remove(id) {
    this.#pending.delete(Number(id));
  }

  clear() {
    this.#pending.clear();
  }

  /** Fire the next timer soon, if there is one and none has to wait. */
  schedule() {
    if (this.#scheduled || this.#pending.size === 0 || this.#busy()) return;
    this.#scheduled = true;
    immediately(() => {
      this.#scheduled = false;
      if (!this.#busy()) this.#fire();
    });
  }

  #fire() {
    let next = null;
    for (const [id, timer] of this.#pending) if (next === null || timer.due < next[1].due) next = [id, timer];
    if (next === null) return;
    const [id, timer] = next;
    this.#clock = timer.due;
    if (timer.every === null) this.#pending.delete(id);
    else timer.due += timer.every;
    this.schedule();
    timer.callback(...timer.args);
  }
}

// Frames to and from the test process over standard input and output: 4 bytes of length, then a JSON object in ASCII.
//
// Programs run in this realm, so whatever the harness needs is taken here, before the first program: a program that
// replaces `JSON.stringify` or a method of an array changes its own world.

const { parse, stringify } = JSON;
const { isSafeInteger } = Number;
const { apply } = Reflect;
const makeBigInt = BigInt;
const replace = String.prototype.replace;
const test = RegExp.prototype.test;
const charCodeAt = String.prototype.charCodeAt;
const numberToString = Number.prototype.toString;
const padStart = String.prototype.padStart;
const Bytes = Uint8Array;
const subarray = Uint8Array.prototype.subarray;
const set = Uint8Array.prototype.set;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const encode = TextEncoder.prototype.encode;
const decode = TextDecoder.prototype.decode;
const { stdin, stdout } = Deno;
const read = stdin.read;
const writeSync = stdout.writeSync;

const LONG_NUMBER = /[0-9]{16}/;
const INTEGER = /^-?[0-9]+$/;
const NOT_ASCII = /[^\x00-\x7f]/g;

// JSON has integers of any length and JavaScript's numbers end at 2 ** 53: beyond it an integer becomes a BigInt, so
// that an id that is read and passed on is still the same id.
function exact(_key, value, context) {
  const lossy = typeof value === "number" && !isSafeInteger(value) && apply(test, INTEGER, [context.source]);
  return lossy ? makeBigInt(context.source) : value;
}

function escaped(character) {
  return "\\u" + apply(padStart, apply(numberToString, apply(charCodeAt, character, [0]), [16]), [4, "0"]);
}

// What was read and not given yet is buffer[begin..end].
let buffer = new Bytes(65536);
let begin = 0;
let end = 0;

/** Make room for a frame of `wanted` bytes from `begin` on. */
function reserve(wanted) {
  if (begin + wanted <= buffer.length) return;
  const rest = apply(subarray, buffer, [begin, end]);
  const roomier = wanted <= buffer.length ? buffer : new Bytes(wanted);
  apply(set, roomier, [rest, 0]);
  buffer = roomier;
  end -= begin;
  begin = 0;
}

async function fill(wanted) {
  reserve(wanted);
  while (end - begin < wanted) {
    const count = await apply(read, stdin, [apply(subarray, buffer, [end])]);
    if (count === null) return false;
    end += count;
  }
  return true;
}

/** Give the next message. null when the test process is gone. */
export async function receive() {
  if (!(await fill(4))) return null;
  const length = ((buffer[begin] << 24) | (buffer[begin + 1] << 16) | (buffer[begin + 2] << 8) | buffer[begin + 3]) >>> 0;
  if (!(await fill(4 + length))) return null;
  const text = apply(decode, decoder, [apply(subarray, buffer, [begin + 4, begin + 4 + length])]);
  begin += 4 + length;
  if (begin === end) begin = end = 0;
  return apply(test, LONG_NUMBER, [text]) ? parse(text, exact) : parse(text);
}

/** Send a message given as JSON text. */
export function sendText(text) {
  NOT_ASCII.lastIndex = 0;
  const ascii = apply(test, NOT_ASCII, [text]) ? apply(replace, text, [NOT_ASCII, escaped]) : text;
  const body = apply(encode, encoder, [ascii]);
  const frame = new Bytes(4 + body.length);
  frame[0] = body.length >>> 24;
  frame[1] = body.length >>> 16;
  frame[2] = body.length >>> 8;
  frame[3] = body.length;
  apply(set, frame, [body, 4]);
  let sent = 0;
  while (sent < frame.length) sent += apply(writeSync, stdout, [apply(subarray, frame, [sent])]);
}

/** Send a message. */
export function send(message) {
  sendText(stringify(message));
}

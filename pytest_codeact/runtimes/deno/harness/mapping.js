// From positions in generated JavaScript back to the TypeScript it was made of: source maps, version 3.

const MARK = "//# sourceMappingURL=data:application/json;base64,";
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function numbers(segment) {
  const found = [];
  let value = 0;
  let shift = 0;
  for (let index = 0; index < segment.length; index++) {
    const digit = DIGITS.indexOf(segment[index]);
    value |= (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    found.push(value & 1 ? -(value >> 1) : value >> 1);
    value = shift = 0;
  }
  return found;
}

/** Take the inline source map off generated code: the code without it, and its lines of [column, line, column]. */
export function takeMap(code) {
  const at = code.lastIndexOf(MARK);
  const text = code.slice(0, at);
  const encoded = code.slice(at + MARK.length);
  const lines = [];
  let line = 0;
  let column = 0;
  for (const segments of JSON.parse(atob(encoded)).mappings.split(";")) {
    const mapped = [];
    let generated = 0;
    for (const segment of segments.split(",")) {
      const [step, , down, across] = numbers(segment);
      if (down === undefined) continue;
      generated += step;
      line += down;
      column += across;
      mapped.push([generated, line, column]);
    }
    lines.push(mapped);
  }
  return { text, lines };
}

/** Give the position, [line, column] from 1, in the TypeScript. */
export function original(lines, line, column) {
  let best = null;
  const mapped = lines[line - 1] ?? [];
  for (let index = 0; index < mapped.length; index++) {
    if (best === null || mapped[index][0] < column) best = mapped[index];
  }
  return best === null ? [line, column] : [best[1] + 1, best[2] + 1];
}

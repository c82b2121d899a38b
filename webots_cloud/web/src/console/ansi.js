// What is printed for a terminal, read as text with colours (ECMA-48: select graphic rendition); all else is left out.

/** How often the look may change within a line; hostile lines could change it at every letter. */
const MOST_PIECES = 500;

/** Control sequences, control strings, other escapes and control characters, of which tabs are kept. */
const CONTROL = new RegExp(
  [
    "(?:\\x1b\\[|\\x9b)([\\x30-\\x3f]*)[\\x20-\\x2f]*([\\x40-\\x7e]?)",
    "(?:\\x1b[\\]PX^_]|[\\x90\\x98\\x9d-\\x9f])[^\\x07\\x1b\\x9c]*(?:\\x07|\\x1b\\\\|\\x9c)?",
    "\\x1b[\\x20-\\x2f]*[\\x30-\\x7e]?",
    "[\\x00-\\x08\\x0a-\\x1f\\x7f-\\x9f]",
  ].join("|"),
  "g",
);

const PLAIN = { bold: false, italic: false, underline: false, color: null, background: null };

/** The codes that set or take away one property. */
const CODES = new Map([
  [1, { bold: true }],
  [3, { italic: true }],
  [4, { underline: true }],
  [22, { bold: false }],
  [23, { italic: false }],
  [24, { underline: false }],
  [39, { color: null }],
  [49, { background: null }],
]);
for (let index = 0; index < 8; index++) {
  CODES.set(30 + index, { color: index });
  CODES.set(90 + index, { color: index + 8 });
  CODES.set(40 + index, { background: index });
  CODES.set(100 + index, { background: index + 8 });
}

/**
 * A part of a line that looks the same throughout; colours are one of the 16 that have names (0 to 15), a CSS colour, or
 * null. `style` is null where nothing is special.
 *
 * @typedef {{text: string, style: {bold: boolean, italic: boolean, underline: boolean, color: number|string|null,
 *   background: number|string|null} | null}} Piece
 */

/** Reads the lines of one stream; the look at the end of a line is that at the beginning of the next. */
export class AnsiReader {
  #style = null;

  /**
   * @param {string} line without its end.
   * @returns {Piece[]}
   */
  read(line) {
    const pieces = [];
    let from = 0;
    for (const match of line.matchAll(CONTROL)) {
      this.#put(pieces, line.slice(from, match.index));
      from = match.index + match[0].length;
      if (match[0] === "\r") {
        // A terminal would write over what is there.
        pieces.length = from < line.length ? 0 : pieces.length;
      } else if (match[2] === "m" && pieces.length < MOST_PIECES) {
        this.#style = changed(this.#style, match[1]);
      }
    }
    this.#put(pieces, line.slice(from));
    return pieces;
  }

  #put(pieces, text) {
    const last = pieces.at(-1);
    if (text && last && last.style === this.#style) {
      last.text += text;
    } else if (text) {
      pieces.push({ text, style: this.#style });
    }
  }
}

/** The look after a sequence. */
function changed(style, parameters) {
  let next = { ...PLAIN, ...style };
  const codes = parameters.split(";");
  while (codes.length > 0) {
    const [code, ...details] = codes.shift().split(":").map(Number);
    if (code === 0) {
      next = { ...PLAIN };
    } else if (code === 38 || code === 48) {
      const color = details.length > 0 ? colorOf(details, true) : colorOf(codes, false);
      next[code === 38 ? "color" : "background"] = color ?? next[code === 38 ? "color" : "background"];
    } else {
      Object.assign(next, CODES.get(code));
    }
  }
  return Object.keys(PLAIN).every((key) => next[key] === PLAIN[key]) ? null : next;
}

/** Take `5;n` or `2;r;g;b` from the front of what follows; between colons, a colour space may stand before r. */
function colorOf(codes, betweenColons) {
  const kind = Number(codes.shift());
  if (kind === 5) {
    return ofPalette(Number(codes.shift()));
  }
  if (kind !== 2) {
    return null;
  }
  if (betweenColons && codes.length > 3) {
    codes.shift();
  }
  const parts = codes.splice(0, 3).map(Number);
  return parts.length === 3 && parts.every(isByte) ? `rgb(${parts.join(" ")})` : null;
}

/** The 256 colours: 16 with names, a cube of 6 by 6 by 6, and greys. */
function ofPalette(index) {
  if (!isByte(index)) {
    return null;
  }
  if (index < 16) {
    return index;
  }
  if (index >= 232) {
    const grey = 8 + 10 * (index - 232);
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const level = (step) => (step === 0 ? 0 : 55 + 40 * step);
  const place = index - 16;
  return `rgb(${level(Math.floor(place / 36))} ${level(Math.floor(place / 6) % 6)} ${level(place % 6)})`;
}

function isByte(number) {
  return Number.isInteger(number) && number >= 0 && number <= 255;
}

// The newest lines that controllers printed; knows no page.
import { AnsiReader } from "./ansi.js";

export const MOST_LINES = 5000;
const MOST_CHARACTERS = 2_000_000;
const LONGEST_LINE = 10_000; // characters

/**
 * A line: `number` counts all lines since the last clearing.
 *
 * @typedef {{number: number, stream: "stdout"|"stderr", text: string, pieces: import("./ansi.js").Piece[]}} Line
 */

/** Keeps the newest lines of both streams, in the order in which they came. */
export class ConsoleLines {
  #lines = [];
  #start = 0;
  #characters = 0;
  #next = 0;
  #readers = { stdout: new AnsiReader(), stderr: new AnsiReader() };

  /** The number of the oldest line that is kept. */
  get first() {
    return this.#next - this.#lines.length + this.#start;
  }

  /** The number that the next line will have. */
  get next() {
    return this.#next;
  }

  /** @param {string} text one message; a newline at its end begins no other line. */
  add(stream, text) {
    const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
    this.#next += Math.max(0, lines.length - MOST_LINES);
    if (lines.length > MOST_LINES) {
      this.#forget(this.#lines.length - this.#start);
    }
    for (const line of lines.slice(-MOST_LINES)) {
      this.#push(stream, line.slice(0, LONGEST_LINE));
    }
    let tooMany = 0;
    let characters = this.#characters;
    while (this.#lines.length - this.#start - tooMany > MOST_LINES || characters > MOST_CHARACTERS) {
      characters -= this.#lines[this.#start + tooMany].text.length;
      tooMany++;
    }
    this.#forget(tooMany);
  }

  clear() {
    this.#lines = [];
    this.#start = 0;
    this.#characters = 0;
    this.#next = 0;
    this.#readers = { stdout: new AnsiReader(), stderr: new AnsiReader() };
  }

  /** @returns {Line[]} at most `most` lines, from that with the number `from` on. */
  slice(from, most = Infinity) {
    const start = this.#start + Math.max(0, from - this.first);
    return this.#lines.slice(start, start + most);
  }

  #push(stream, line) {
    const pieces = this.#readers[stream].read(line);
    const text = pieces.map((piece) => piece.text).join("");
    this.#lines.push({ number: this.#next++, stream, text, pieces });
    this.#characters += text.length;
  }

  #forget(count) {
    for (let index = this.#start; index < this.#start + count; index++) {
      this.#characters -= this.#lines[index].text.length;
    }
    this.#start += count;
    // Moving all lines up at each one that is forgotten would be slow.
    if (this.#start > MOST_LINES) {
      this.#lines = this.#lines.slice(this.#start);
      this.#start = 0;
    }
  }
}

/**
 * Which lines are shown.
 *
 * @param {"all"|"stdout"|"stderr"} stream
 * @param {string} words must be in the line, in whatever case.
 * @returns {(line: Line) => boolean}
 */
export function lineFilter(stream, words) {
  const wanted = words.toLowerCase();
  return (line) =>
    (stream === "all" || line.stream === stream) && (wanted === "" || line.text.toLowerCase().includes(wanted));
}

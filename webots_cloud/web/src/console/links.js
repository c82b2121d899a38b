// Finds where a printed line speaks of a line in a controller's file.

const PATTERNS = [
  // Python: `File "controllers/explorer/explorer.py", line 12, in <module>`
  /\bFile "([^"]{1,500})", line (\d{1,7})/g,
  // Compilers: `explorer.c:12:3: error: ...`
  /(?<![^\s(])([^\s:"'()]{1,500}\.(?:c|cc|cpp|cxx|h|hh|hpp|hxx|py)):(\d{1,7})(?=:)/g,
];

/**
 * Find the places that a line names; a path elsewhere than in a folder `controllers` is none.
 *
 * @param {string} text of the line.
 * @returns {{start: number, end: number, file: string, line: number}[]} in order; `file` is the path as it is printed.
 */
export function findLinks(text) {
  const links = [];
  for (const pattern of PATTERNS) {
    for (const match of text.matchAll(pattern)) {
      const [whole, file, line] = match;
      if (!file.includes("/") || /(?:^|\/)controllers\/[^/]+\/[^/]+$/.test(file)) {
        links.push({ start: match.index, end: match.index + whole.length, file, line: Number(line) });
      }
    }
  }
  return links
    .sort((one, other) => one.start - other.start)
    .filter((link, index, all) => index === 0 || link.start >= all[index - 1].end);
}

/**
 * Cut the pieces of a line where links begin and end.
 *
 * @param {import("./ansi.js").Piece[]} pieces
 * @returns {{link: object | null, pieces: import("./ansi.js").Piece[]}[]} what stands together, in order.
 */
export function cutAtLinks(pieces, links) {
  const runs = [];
  let from = 0;
  for (const link of links) {
    runs.push({ link: null, pieces: between(pieces, from, link.start) });
    runs.push({ link, pieces: between(pieces, link.start, link.end) });
    from = link.end;
  }
  runs.push({ link: null, pieces: between(pieces, from, Infinity) });
  return runs.filter((run) => run.pieces.length > 0);
}

function between(pieces, start, end) {
  const found = [];
  let at = 0;
  for (const { text, style } of pieces) {
    const part = text.slice(Math.max(0, start - at), Math.max(0, end - at));
    if (part) {
      found.push({ text: part, style });
    }
    at += text.length;
  }
  return found;
}

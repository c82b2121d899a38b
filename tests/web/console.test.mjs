// What the console makes of what controllers print, without a page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AnsiReader } from "../../webots_cloud/web/src/console/ansi.js";
import { ConsoleLines, MOST_LINES, lineFilter } from "../../webots_cloud/web/src/console/console_lines.js";
import { cutAtLinks, findLinks } from "../../webots_cloud/web/src/console/links.js";

const read = (line) => new AnsiReader().read(line);
const textOf = (pieces) => pieces.map(({ text }) => text).join("");
const styleOf = (line) => read(line).at(-1).style;

test("a plain line is one piece without a style", () => {
  assert.deepEqual(read("hello\tyou"), [{ text: "hello\tyou", style: null }]);
  assert.deepEqual(read(""), []);
});

const COLORS = [
  ["\x1b[31m", 1],
  ["\x1b[97m", 15],
  ["\x1b[38;5;9m", 9],
  ["\x1b[38;5;16m", "rgb(0 0 0)"],
  ["\x1b[38;5;196m", "rgb(255 0 0)"],
  ["\x1b[38;5;255m", "rgb(238 238 238)"],
  ["\x1b[38;2;1;20;255m", "rgb(1 20 255)"],
  ["\x1b[38:2::1:20:255m", "rgb(1 20 255)"],
  ["\x1b[38:2:1:20:255m", "rgb(1 20 255)"],
  ["\x1b[38:5:3m", 3],
  ["\x9b32m", 2],
];
for (const [sequence, color] of COLORS) {
  test(`the colour of ${JSON.stringify(sequence)}`, () => assert.equal(styleOf(`${sequence}x`).color, color));
}

test("bold, italic, underlined and backgrounds are set and taken away one by one", () => {
  const all = { bold: true, italic: true, underline: true, color: 4, background: 13 };
  assert.deepEqual(styleOf("\x1b[1;3;4;34;105mx"), all);
  assert.deepEqual(styleOf("\x1b[1;3;4;34;105m\x1b[22;23;49mx"), { ...all, bold: false, italic: false, background: null });
  assert.equal(styleOf("\x1b[1;3;4;34;105m\x1b[22;23;24;39;49mx"), null);
  assert.equal(styleOf("\x1b[1;34m\x1b[mx"), null);
});

test("what is no colour leaves the look as it is", () => {
  for (const codes of ["38;5", "38;5;256", "38;2;1;2", "38;2;1;2;999", "38", "38;9", "99", "7", "x"]) {
    assert.equal(styleOf(`\x1b[${codes}mx`), null, codes);
  }
});

test("the look goes on in the next line of the stream", () => {
  const reader = new AnsiReader();
  reader.read("\x1b[31mfirst");
  assert.equal(reader.read("second")[0].style.color, 1);
  assert.equal(reader.read("\x1b[0mthird")[0].style, null);
});

test("other sequences and control characters are left out, and text never is", () => {
  const hostile = "a\x1b[2J\x1b[10;20Hb\x1b]0;title\x07c\x1b]8;;http://x\x1b\\d\x1bP1$q\x1b\\e\x1b(Bf\x00\x08\x7f\x85g\x1b";
  assert.equal(textOf(read(hostile)), "abcdefg");
  assert.equal(textOf(read("a\x1b[31")), "a");
  assert.equal(textOf(read("<img src=x>\x1b[1m<b>")), "<img src=x><b>");
});

test("a return within a line begins it again, as on a terminal", () => {
  assert.equal(textOf(read("10%\r20%\r30%")), "30%");
  assert.equal(textOf(read("30%\r")), "30%");
});

test("a line that changes its look at every letter has a bounded number of pieces", () => {
  assert.ok(read("\x1b[31mx\x1b[32mx".repeat(5_000)).length <= 500);
});

test("hostile lines are read in a moment", () => {
  const lines = ["\x1b[", "\x1b]", "\x9d", "a/", "a.", ' File "', " a.c", "(", "a:1", "\x1b[31mx"].map((part) =>
    part.repeat(10_000 / part.length),
  );
  const start = performance.now();
  lines.forEach((line) => findLinks(textOf(read(line))));
  assert.ok(performance.now() - start < 1_000);
});

test("tracebacks and compilers name places", () => {
  const places = (text) => findLinks(text).map(({ file, line }) => [file, line]);
  assert.deepEqual(places('  File "/i/x/controllers/go/go.py", line 12, in <module>'), [["/i/x/controllers/go/go.py", 12]]);
  assert.deepEqual(places('  File "go.py", line 3'), [["go.py", 3]]);
  assert.deepEqual(places("go.c:12:3: error: expected ‘;’"), [["go.c", 12]]);
  assert.deepEqual(places("In file included from controllers/go/go.cpp:1:"), [["controllers/go/go.cpp", 1]]);
  assert.deepEqual(places("a.c:1: b.h:2:"), [["a.c", 1], ["b.h", 2]]);
});

test("places elsewhere than in a controller are no links", () => {
  for (const text of [
    '  File "/usr/lib/python3/json/__init__.py", line 12',
    "/usr/include/stdio.h:12:3: error",
    "time 12:13:14",
    "file.c: no number",
    'File "", line 1',
  ]) {
    assert.deepEqual(findLinks(text), [], text);
  }
});

test("a link may go through several colours", () => {
  const pieces = read('x \x1b[35mFile "go.py"\x1b[0m, line 3, in f');
  const runs = cutAtLinks(pieces, findLinks(textOf(pieces)));
  assert.deepEqual(runs.map(({ link, pieces: run }) => [link?.line, run.map(({ text }) => text)]), [
    [undefined, ["x "]],
    [3, ['File "go.py"', ", line 3"]],
    [undefined, [", in f"]],
  ]);
});

test("the newest lines are kept, with their numbers", () => {
  const lines = new ConsoleLines();
  for (let count = 0; count < MOST_LINES + 10; count++) {
    lines.add("stdout", `line ${count}\n`);
  }
  assert.equal(lines.first, 10);
  assert.equal(lines.next, MOST_LINES + 10);
  assert.equal(lines.slice(0).length, MOST_LINES);
  assert.deepEqual(lines.slice(10, 2).map(({ number, text }) => [number, text]), [[10, "line 10"], [11, "line 11"]]);
  assert.deepEqual(lines.slice(MOST_LINES + 10), []);
});

test("one message of too many lines leaves its newest ones", () => {
  const lines = new ConsoleLines();
  lines.add("stdout", "old");
  lines.add("stderr", Array.from({ length: 3 * MOST_LINES }, (_, number) => `line ${number}`).join("\r\n"));
  assert.equal(lines.slice(0).length, MOST_LINES);
  assert.equal(lines.slice(lines.first, 1)[0].text, `line ${2 * MOST_LINES}`);
  assert.equal(lines.next, 3 * MOST_LINES + 1);
});

test("megabytes are cut, and old lines make room for them", () => {
  const lines = new ConsoleLines();
  for (let count = 0; count < 1_000; count++) {
    lines.add("stdout", "x".repeat(1_000_000));
  }
  const kept = lines.slice(0).reduce((sum, { text }) => sum + text.length, 0);
  assert.ok(kept <= 2_000_000 && kept > 1_900_000);
});

test("clearing begins anew", () => {
  const lines = new ConsoleLines();
  lines.add("stdout", "\x1b[31mred");
  lines.clear();
  lines.add("stdout", "plain\n\nlast\n");
  assert.deepEqual(lines.slice(0).map(({ number, text, pieces }) => [number, text, pieces[0]?.style]), [
    [0, "plain", null],
    [1, "", undefined],
    [2, "last", null],
  ]);
});

test("lines are chosen by stream and words", () => {
  const lines = new ConsoleLines();
  lines.add("stdout", "Left\nright");
  lines.add("stderr", "LEFT out");
  const shown = (stream, words) => lines.slice(0).filter(lineFilter(stream, words)).map(({ text }) => text);
  assert.deepEqual(shown("all", ""), ["Left", "right", "LEFT out"]);
  assert.deepEqual(shown("all", "left"), ["Left", "LEFT out"]);
  assert.deepEqual(shown("stderr", "left"), ["LEFT out"]);
  assert.deepEqual(shown("stdout", "("), []);
});

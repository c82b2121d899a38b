// The editor's decisions, without a page: names, places, open files, and what becomes of saving.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import {
  MAX_BYTES,
  countLines,
  hasFiles,
  isPlainName,
  languageOf,
  placeOf,
  setController,
} from "../../webots_cloud/web/src/editor/controller_file.js";
import { whyReadOnly } from "../../webots_cloud/web/src/editor/editing.js";
import { MAX_FILES, OpenFiles } from "../../webots_cloud/web/src/editor/open_files.js";
import { Saver } from "../../webots_cloud/web/src/editor/saver.js";
import { readRefusal, uploadFile } from "../../webots_cloud/web/src/editor/upload.js";
import { ControllerResets } from "../../webots_cloud/web/src/simulation/controller_resets.js";

test("lines are counted as the simulator counts them", () => {
  const counts = ["", "\n", "a", "a\n", "a\nb", "a\nb\n", "\n\n"].map(countLines);
  assert.deepEqual(counts, [0, 1, 1, 1, 2, 2, 2]);
  assert.equal(setController("go", "go.py", "a\nb\n"), "set controller:go/go.py:2\na\nb\n");
});

test("names that lead elsewhere, or have control characters, are not taken", () => {
  for (const name of ["", ".", "..", "a/b", "a\\b", "a:b", "a\nb", "a\0", "x".repeat(129)]) {
    assert.ok(!isPlainName(name), name);
  }
  for (const name of ["go.py", "Makefile", "<b>x", "é.txt", ".hidden"]) {
    assert.ok(isPlainName(name), name);
  }
});

test("some names of controllers stand for no files", () => {
  assert.deepEqual(["go", "", "<none>", "<extern>", "<generic>", "void"].filter(hasFiles), ["go"]);
});

test("files are highlighted by their names", () => {
  assert.deepEqual(["a.py", "A.PY", "a.pyi"].map(languageOf), ["python", "python", "python"]);
  assert.deepEqual(["a.c", "a.h", "a.cpp", "a.hxx", "a.c++"].map(languageOf), Array(5).fill("cpp"));
  assert.deepEqual(["a.txt", "Makefile", "py", "a.cs", "a.pyc"].map(languageOf), Array(5).fill("text"));
});

test("what is printed is found among the controllers", () => {
  const controllers = ["go", "stop"];
  assert.deepEqual(placeOf("/i/p/controllers/other/x.py", controllers), { name: "other", file: "x.py" });
  assert.deepEqual(placeOf("controllers/go/x.py", controllers), { name: "go", file: "x.py" });
  assert.deepEqual(placeOf("stop.py", controllers), { name: "stop", file: "stop.py" });
  assert.deepEqual(placeOf("helper.c", ["go"]), { name: "go", file: "helper.c" });
  assert.equal(placeOf("helper.c", controllers), null);
  assert.equal(placeOf("/usr/lib/go.py", controllers), null);
});

test("who may change controllers", () => {
  const nobody = { User1Id: "", User1Authentication: "" };
  const named = { User1Id: 7, User1Authentication: "" };
  const known = { User1Id: 7, User1Authentication: "x" };
  const mine = { watches: false, editable: true };
  assert.equal(whyReadOnly(mine, nobody), "");
  assert.equal(whyReadOnly(mine, { User1Id: 0 }), "");
  assert.equal(whyReadOnly(mine, known), "");
  assert.match(whyReadOnly(mine, named), /another user/);
  assert.match(whyReadOnly({ ...mine, watches: true }, known), /watching/);
  assert.match(whyReadOnly({ ...mine, editable: false }, known), /does not let/);
});

test("files stand by their controllers, and a closed one makes room for its neighbour", () => {
  const files = new OpenFiles();
  const [a, b] = ["a", "b"].map((file) => files.add("p", "one", file, ""));
  const c = files.add("p", "two", "c", "");
  const d = files.add("p", "one", "d", "");
  assert.deepEqual(files.all, [a, b, d, c]);
  assert.equal(files.active, a);
  files.activate(d);
  files.remove(d);
  assert.equal(files.active, c);
  files.remove(c);
  assert.equal(files.active, b);
  files.remove(a);
  assert.equal(files.active, b);
  files.remove(b);
  assert.equal(files.active, null);
});

test("a tab names the controller where there are several", () => {
  const files = new OpenFiles();
  const first = files.add("p", "one", "a.py", "");
  assert.equal(files.labelOf(first), "a.py");
  files.add("p", "two", "a.py", "");
  assert.equal(files.labelOf(first), "one/a.py");
});

test("what was changed back is not changed", () => {
  const files = new OpenFiles();
  const file = files.add("p", "one", "a.py", "x");
  file.doc = "y";
  assert.deepEqual(files.changed, [file]);
  file.doc = "x";
  assert.deepEqual(files.unsaved, []);
  file.kept = false;
  assert.deepEqual(files.changed, []);
  assert.deepEqual(files.unsaved, [file]);
});

test("the number of open files is bounded", () => {
  const files = new OpenFiles();
  for (let count = 0; count < MAX_FILES; count++) {
    assert.ok(files.add("p", "one", `${count}`, ""));
  }
  assert.equal(files.add("p", "one", "more", ""), null);
});

let sent;
let uploads;
let running;
let file;

/** A saver whose uploads the test settles; `uploads` is null where there is no account. */
function saver() {
  return new Saver({
    text: (doc) => doc,
    isRunning: () => running,
    send: (text) => sent.push(text),
    upload: () => uploads && ((form) => new Promise((resolve, reject) => uploads.push({ form, resolve, reject }))),
  });
}

beforeEach(() => {
  sent = [];
  uploads = [];
  running = true;
  file = { project: "p", name: "go", file: "go.py", doc: "new\n", saved: "old\n", kept: true };
  mock.timers.reset();
});

test("a saved file is told to the simulation at once, and kept at the website", async () => {
  const saving = saver().save(file);
  assert.deepEqual(sent, ["set controller:go/go.py:1\nnew\n"]);
  assert.deepEqual(uploads[0].form, { dirname: "p/controllers/go", filename: "go.py", content: "new\n" });
  uploads[0].resolve();
  const outcome = await saving;
  assert.deepEqual(outcome, { saved: true, sentence: "go.py is saved. Reset the simulation to run it.", resets: true });
  assert.equal(file.saved, "new\n");
});

test("a file that the website refuses stays unsaved, but runs", async () => {
  const saving = saver().save(file);
  uploads[0].reject(new Error("Your quota is used up."));
  const outcome = await saving;
  assert.deepEqual([outcome.saved, outcome.resets], [false, true]);
  assert.match(outcome.sentence, /^go.py is not saved. Your quota is used up. The running simulation has your changes/);
  assert.equal(file.saved, "old\n");
});

test("what is written while a file is being saved is saved right after, and only the newest of it", async () => {
  const one = saver();
  const saving = one.save(file);
  file.doc = "newer";
  assert.equal(one.save(file), saving);
  file.doc = "newest";
  one.save(file);
  assert.ok(one.isSaving(file));
  assert.deepEqual(sent.map((text) => text.split("\n")[1]), ["new", "newer", "newest"]);
  uploads[0].resolve();
  await new Promise(setImmediate);
  assert.equal(file.saved, "new\n");
  assert.equal(uploads[1].form.content, "newest");
  uploads[1].resolve();
  assert.ok((await saving).saved);
  assert.equal(file.saved, "newest");
  assert.equal(uploads.length, 2);
  assert.ok(!one.isSaving(file));
});

test("what was written after the saving began stays unsaved", async () => {
  const saving = saver().save(file);
  file.doc = "newer";
  uploads[0].resolve();
  await saving;
  assert.equal(file.saved, "new\n");
});

test("without an account, a file is saved until the simulation ends", async () => {
  uploads = null;
  const outcome = await saver().save(file);
  assert.match(outcome.sentence, /saved until the simulation ends/);
  assert.deepEqual([file.saved, file.kept], ["new\n", false]);
});

test("without a simulation, a file is kept at the website only", async () => {
  running = false;
  const saving = saver().save(file);
  uploads[0].resolve();
  const outcome = await saving;
  assert.deepEqual([sent, outcome.saved, outcome.resets], [[], true, false]);
  uploads = null;
  const lost = await saver().save(file);
  assert.equal(lost.saved, false);
  assert.match(lost.sentence, /its simulation has ended/);
});

test("a file that is too long is not sent anywhere", async () => {
  for (const doc of ["x".repeat(MAX_BYTES + 1), "é".repeat(MAX_BYTES / 2 + 1)]) {
    file.doc = doc;
    assert.match((await saver().save(file)).sentence, /longer than 1 MB/);
  }
  assert.deepEqual([sent, uploads], [[], []]);
});

const answer = (text, status = 200) => async () => ({ ok: status === 200, status, text: async () => text });
const FORM = { dirname: "p/controllers/go", filename: "go.py", content: "a\nb & c=ü" };

test("the website gets a form in which newlines stay what they are", async () => {
  let asked;
  await uploadFile(FORM, async (url, options) => {
    asked = { url, ...options };
    return answer("OK\n")();
  });
  assert.equal(asked.url, "/ajax/upload-file.php");
  assert.equal(asked.method, "POST");
  assert.deepEqual(Object.fromEntries(new URLSearchParams(String(asked.body))), FORM);
});

test("every refusal is a sentence", async () => {
  const refusals = [
    [answer("Error: your 10 MB are used up."), "Your 10 MB are used up."],
    [answer("<html>"), "This website gave an answer that is not understood."],
    [answer("", 413), "This website answers with status 413."],
    [() => Promise.reject(new TypeError("fetch")), "This website cannot be reached; check your connection and try again."],
  ];
  for (const [fetch, message] of refusals) {
    await assert.rejects(uploadFile(FORM, fetch), { message });
  }
  assert.equal(readRefusal(`Error: ${"x".repeat(9_000)}`).length, 500);
});

test("controllers are put back one after the other", async () => {
  const asked = [];
  const resets = new ControllerResets((message) => asked.push(message));
  const first = resets.reset("go", "go.py");
  const second = resets.reset("go", "x.py");
  assert.deepEqual(asked, [{ "reset controller": "go/go.py" }]);
  assert.ok(resets.hear({ kind: "reset controller", text: "go/go.py" }));
  await first;
  assert.deepEqual(asked[1], { "reset controller": "go/x.py" });
  assert.ok(resets.hear({ kind: "error", text: "The project has no controller file go/x.py to go back to." }));
  await assert.rejects(second, /has no controller file/);
});

test("only an error about a file that is put back is taken", async () => {
  const resets = new ControllerResets(() => {});
  assert.ok(!resets.hear({ kind: "error", text: "go/go.py" }));
  const reset = resets.reset("go", "go.py");
  assert.ok(!resets.hear({ kind: "error", text: "The server stops." }));
  assert.ok(!resets.hear({ kind: "queue", text: "1" }));
  resets.end();
  await assert.rejects(reset, /has ended/);
});

test("a simulation server that does not answer is not waited for without end", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const resets = new ControllerResets(() => {});
  const reset = resets.reset("go", "go.py");
  mock.timers.tick(20_000);
  await assert.rejects(reset, /does not answer/);
});

// Searching projects.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Search } from "../../webots_cloud/web/src/pages/search.js";

const PROJECTS = [
  { name: "maze", title: "The maze", description: "A mouse looks for cheese.", worlds: ["maze.wbt", "dark_cellar.wbt"] },
  { name: "four_wheels", title: "", description: "Drives round the maze.", worlds: ["a.wbt"] },
  { name: "zoe", title: "Zo\u00eb's caf\u00e9", description: "", worlds: [] },
];

const names = (text) => new Search(PROJECTS).find(text).map(({ name }) => name);

test("titles, names, descriptions and worlds are searched", () => {
  assert.deepEqual(names("cheese"), ["maze"]);
  assert.deepEqual(names("four wheels"), ["four_wheels"]);
  assert.deepEqual(names("four_wheels"), ["four_wheels"]);
  assert.deepEqual(names("cellar"), ["maze"]);
});

test("all words must be there, in whatever order, case and spelling", () => {
  assert.deepEqual(names("MOUSE the"), ["maze"]);
  assert.deepEqual(names("mouse drives"), []);
  assert.deepEqual(names("cafe ZOE"), ["zoe"]);
  assert.deepEqual(names("Zoe\u0308"), ["zoe"]);
});

test("what has it in its name comes first", () => {
  assert.deepEqual(names("maze"), ["maze", "four_wheels"]);
  assert.deepEqual(names("wheels"), ["four_wheels"]);
});

test("nothing, and signs that mean something elsewhere, are searched like any text", () => {
  assert.equal(names("   ").length, PROJECTS.length);
  assert.deepEqual(names(".*"), []);
  assert.deepEqual(names("<b>"), []);
});

test("thousands are searched while one types", () => {
  const many = new Search(Array.from({ length: 5000 }, (_, number) => ({ ...PROJECTS[0], name: `maze${number}` })));
  assert.equal(many.find("maze4999").length, 1);
});

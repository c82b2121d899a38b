// The one bar through all phases.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Course } from "../../webots_cloud/web/src/progress/course.js";

const PHASES = ["looking", "waiting", "fetching", "starting", "loading", "textures"];

let now;
let course;

beforeEach(() => {
  now = 0;
  course = new Course(() => now);
});

test("the bar moves on in every phase and never reaches its end by time alone", () => {
  let before = -1;
  for (const phase of PHASES) {
    course.enter(phase);
    for (let second = 0; second < 20; second++) {
      assert.ok(course.percent > before || second === 0, `${phase} stands still after ${second} s`);
      before = course.percent;
      now++;
    }
  }
  now += 1e6;
  assert.ok(course.percent < 100);
});

test("the bar never goes back, in whatever order the phases come", () => {
  let before = 0;
  for (const phase of ["starting", "waiting", "fetching", "loading", "starting", "looking", "textures", "loading"]) {
    course.enter(phase);
    course.advance(Math.random());
    course.advance(0.01);
    now += 2;
    assert.ok(course.percent >= before, phase);
    before = course.percent;
  }
});

test("what is known to be done counts more than time", () => {
  course.enter("loading");
  const before = course.percent;
  course.advance(0.5);
  assert.ok(course.percent > before + 30);
  course.advance(7);
  assert.ok(course.percent <= 85);
  course.advance(NaN);
  assert.ok(Number.isFinite(course.percent));
});

test("a phase that is left out is jumped over", () => {
  course.enter("loading");
  course.advance(1);
  course.enter("textures");
  assert.ok(course.percent >= 85);
});

test("a phase that takes long is explained, and only that", () => {
  course.enter("starting");
  now = 5;
  assert.equal(course.explanation, "");
  now = 25.5;
  assert.equal(course.explanation, "This takes longer than usual: 25 s so far.");
  course.enter("loading");
  assert.equal(course.explanation, "");
});

test("a queue takes what it takes", () => {
  course.enter("waiting");
  now = 10_000;
  assert.equal(course.explanation, "");
});

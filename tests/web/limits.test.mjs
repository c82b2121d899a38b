// The two limits in time: the page's, in simulated time, and the server's.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { endingNotice, timeLimitNotice } from "../../webots_cloud/web/src/progress/limits.js";
import { ANSWER, Ending, WARNING } from "../../webots_cloud/web/src/simulation/ending.js";
import { TimeLimit } from "../../webots_cloud/web/src/simulation/time_limit.js";

test("without a limit there is no time left to tell, and Webots never pauses", () => {
  for (const seconds of [-1, undefined, NaN, "soon"]) {
    const limit = new TimeLimit();
    limit.set(seconds);
    limit.advance(1e9);
    assert.deepEqual([limit.left, limit.forWebots, limit.isReached], [null, -1, false]);
  }
});

test("simulated time counts down to the limit, which is then reached", () => {
  const limit = new TimeLimit();
  limit.set(90);
  limit.advance(39_000);
  assert.equal(limit.left, 51_000);
  assert.equal(limit.forWebots, 51_000);
  limit.advance(NaN);
  limit.advance(90_016);
  assert.equal(limit.left, 0);
  assert.ok(limit.isReached);
});

test("it can go on for as long again", () => {
  const limit = new TimeLimit();
  limit.set(10);
  limit.advance(10_000);
  limit.extend();
  assert.equal(limit.left, 10_000);
});

test("a simulation that was reset has all its time again", () => {
  const limit = new TimeLimit();
  limit.set(10);
  limit.advance(8000);
  limit.advance(32);
  assert.equal(limit.left, 10_000);
  limit.advance(8000);
  limit.restart();
  assert.equal(limit.left, 10_000);
});

test("a limit that is set while time passes counts from then", () => {
  const limit = new TimeLimit();
  limit.advance(5000);
  limit.set(10);
  limit.advance(7000);
  assert.equal(limit.left, 8000);
});

test("the visitor can go on after the limit", () => {
  const run = () => {};
  const { sentence, action } = timeLimitNotice(90, run);
  assert.match(sentence, /90 s and is paused/);
  assert.deepEqual(action, { label: "Go on for another 90 s", run });
});

let shown;
let asked;
let now;
let ending;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  shown = [];
  asked = 0;
  now = 0;
  ending = new Ending(
    (ahead) => shown.push(ahead),
    () => asked++,
    () => now,
  );
});

/** Let time pass, a second at a time. */
function pass(seconds) {
  for (let second = 0; second < seconds; second++) {
    now++;
    mock.timers.tick(1000);
  }
}

test("an end that is far off is not shown, and one that is near ticks each second", () => {
  ending.tell(7200);
  pass(7200 - WARNING - 1);
  assert.deepEqual(new Set(shown.map(({ left }) => left)), new Set([null]));
  shown.length = 0;
  pass(4);
  assert.deepEqual(
    shown.map(({ left }) => left),
    [300, 299, 298, 297],
  );
  pass(400);
  assert.equal(shown.at(-1).left, 0);
});

test("more time is asked for once and shown when it is given", () => {
  ending.tell(300);
  ending.extend();
  assert.equal(asked, 1);
  assert.equal(shown.at(-1).asking, true);
  ending.tell(7500);
  assert.deepEqual(shown.at(-1), { left: null, asking: false, failed: "", extended: true });
  pass(ANSWER + 1);
  assert.equal(shown.at(-1).failed, "");
});

test("a server that gives no more time says so with the time that is left", () => {
  ending.tell(300);
  pass(10);
  ending.extend();
  ending.tell(290);
  assert.deepEqual(shown.at(-1), { left: 290, asking: false, failed: "refused", extended: false });
  pass(1);
  assert.equal(shown.at(-1).failed, "refused");
});

test("a server that does not know the question does not keep the visitor waiting", () => {
  ending.tell(300);
  ending.extend();
  pass(ANSWER - 1);
  assert.equal(shown.at(-1).asking, true);
  pass(1);
  assert.deepEqual([shown.at(-1).asking, shown.at(-1).failed], [false, "unanswered"]);
});

test("what is no number of seconds is no end", () => {
  ending.tell(NaN);
  ending.tell(-5);
  assert.deepEqual(shown, []);
});

test("a simulation that is closed shows nothing any more", () => {
  ending.tell(300);
  ending.extend();
  ending.close();
  shown.length = 0;
  pass(400);
  assert.deepEqual(shown, []);
});

test("the notice of the end has a clock, and a button as long as it may help", () => {
  const ahead = { left: 299, asking: false, failed: "", extended: false };
  const run = () => {};
  assert.deepEqual(endingNotice(ahead, run), {
    sentence: "This simulation ends in",
    countdown: "4:59",
    action: { label: "Ask for more time", run, disabled: false },
  });
  assert.equal(endingNotice({ ...ahead, asking: true }, run).action.disabled, true);
  assert.deepEqual(endingNotice({ ...ahead, failed: "refused" }, run).action, null);
  assert.match(endingNotice({ ...ahead, failed: "unanswered" }, run).sentence, /does not give more time/);
  assert.match(endingNotice({ ...ahead, left: null, extended: true }, run).sentence, /more time/);
  assert.equal(endingNotice({ ...ahead, left: null }, run), null);
});

// Numbers, sizes and times in words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { agoOf, counted, sizeOf } from "../../webots_cloud/web/src/pages/words.js";

test("one is one, and everything else is many", () => {
  assert.deepEqual([0, 1, 2].map((number) => counted(number, "file")), ["0 files", "1 file", "2 files"]);
});

test("sizes are in the unit in which people read them", () => {
  assert.deepEqual(
    [0, 1, 999, 1000, 54_321, 2_500_000, 10_000_000].map(sizeOf),
    ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "54 kB", "2.5 MB", "10 MB"],
  );
});

test("times are how long ago they were", () => {
  const now = 2_000_000_000;
  const told = [5, 60, 7200, 24 * 3600, 40 * 24 * 3600, 800 * 24 * 3600].map((ago) => agoOf(now - ago, now));
  assert.deepEqual(told, ["just now", "1 minute ago", "2 hours ago", "yesterday", "last month", "2 years ago"]);
  assert.equal(agoOf(now + 100, now), "just now");
  assert.equal(agoOf(0, now), "some time ago");
});

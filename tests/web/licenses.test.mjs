// The list of bundled packages and their licences.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { bundledPackages, licenseOf, licenseSection } from "../../webots_cloud/web/licenses.mjs";

let folder;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "package-"));
});

afterEach(() => rm(folder, { recursive: true }));

async function packageWith(license, files = { LICENSE: "The text.\n" }) {
  await writeFile(path.join(folder, "package.json"), JSON.stringify({ name: "it", version: "1.2.3", license }));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), text);
  }
}

test("packages are those whose files are in an output", () => {
  const inputs = (...names) => ({ outputs: { "out.js": { inputs: Object.fromEntries(names.map((name) => [name, {}])) } } });
  const metafiles = [
    inputs("src/a.js", "node_modules/@lezer/lr/dist/index.js", "node_modules/crelt/index.js"),
    inputs("node_modules/crelt/other.js", "../node_modules/a/node_modules/b/x.js"),
  ];
  assert.deepEqual(bundledPackages(metafiles, "/top/web"), [
    "/top/node_modules/a/node_modules/b",
    "/top/web/node_modules/@lezer/lr",
    "/top/web/node_modules/crelt",
  ]);
});

test("a licence comes with its text, and with those of what the package holds", async () => {
  await packageWith("MIT", { "LICENCE.md": "The text.\n", "fonts/OFL.txt": "Fonts.\n" });
  const license = await licenseOf(folder, ["fonts/OFL.txt"]);
  assert.deepEqual(license, { name: "it", version: "1.2.3", license: "MIT", texts: ["The text.", "Fonts."] });
  assert.equal(licenseSection(license), "it 1.2.3 (MIT)\n==============\n\nThe text.\n\nFonts.");
});

test("without the text of the licence there is no build", async () => {
  await packageWith("MIT", { "README.md": "MIT" });
  await assert.rejects(licenseOf(folder), /it comes without the text of its licence/);
});

for (const license of ["GPL-3.0", "UNLICENSED", undefined]) {
  test(`with the licence ${license} there is no build`, async () => {
    await packageWith(license);
    await assert.rejects(licenseOf(folder), /not one of MIT, Apache-2.0/);
  });
}

// Which npm packages are in the browser files, and under which licences; called by build.mjs.
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

/** Licences that let us pass a package on when its text comes along; as SPDX writes them. */
const ALLOWED = new Set(["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "OFL-1.1"]);

/**
 * The folders of the packages that esbuild has put into its outputs.
 *
 * @param {object[]} metafiles what esbuild says of each build.
 * @param {string} top the folder that the names in them start from.
 * @returns {string[]} absolute, sorted, each once.
 */
export function bundledPackages(metafiles, top) {
  const inputs = metafiles.flatMap(({ outputs }) => Object.values(outputs)).flatMap(({ inputs }) => Object.keys(inputs));
  const folders = inputs.map((input) => /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]).filter(Boolean);
  return [...new Set(folders)].sort().map((folder) => path.resolve(top, folder));
}

/**
 * Read what a package may be passed on under.
 *
 * @param {string} folder of the package.
 * @param {string[]} more files below it with licences of things that come with it.
 * @returns {Promise<{name: string, version: string, license: string, texts: string[]}>}
 * @throws {Error} where there is no licence, none that is allowed, or no text of it.
 */
export async function licenseOf(folder, more = []) {
  const { name, version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  if (!ALLOWED.has(license)) {
    throw new Error(`${name} has the licence ${license}, which is not one of ${[...ALLOWED].join(", ")}.`);
  }
  const own = (await readdir(folder)).filter((file) => /^licen[cs]e(\.(md|txt))?$/i.test(file)).sort();
  if (own.length === 0) {
    throw new Error(`${name} comes without the text of its licence (${license}).`);
  }
  const texts = await Promise.all([...own, ...more].map((file) => readFile(path.join(folder, file), "utf8")));
  return { name, version, license, texts: texts.map((text) => text.trim()) };
}

/** One package in the file of licences: a heading, then the texts. */
export function licenseSection({ name, version, license, texts }) {
  const heading = `${name} ${version} (${license})`;
  return [`${heading}\n${"=".repeat(heading.length)}`, ...texts].join("\n\n");
}

// Searching projects as one types: no letter's case, no accent, no order of words matters.
import { worldName } from "./site.js";

/** @returns {string} in which spellings that people take for the same are the same. */
function folded(text) {
  return text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[\s_]+/gu, " ")
    .trim();
}

/** Finds projects among many; what is searched in is prepared once. */
export class Search {
  #entries;

  /** @param {object[]} projects as the website host lists them. */
  constructor(projects) {
    this.#entries = projects.map((project) => {
      const { title, name, description, worlds = [] } = project;
      const names = folded(`${title || ""} ${name}`);
      return { project, names, all: `${names} ${folded(`${description || ""} ${worlds.map(worldName).join(" ")}`)}` };
    });
  }

  /**
   * @param {string} text some words, or parts of words, all of which must be there.
   * @returns {object[]} the projects: first those with all of them in their names.
   */
  find(text) {
    const words = folded(text).split(" ").filter(Boolean);
    const found = this.#entries.filter(({ all }) => words.every((word) => all.includes(word)));
    const isNamed = ({ names }) => words.every((word) => names.includes(word));
    return [...found.filter(isNamed), ...found.filter((entry) => !isNamed(entry))].map(({ project }) => project);
  }
}

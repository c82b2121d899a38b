// What a visitor has saved of one project, with ways back to the original.
import { make } from "../elements.js";
import { isWanted } from "./question.js";
import { ask } from "./site.js";
import { agoOf, counted, sizeOf } from "./words.js";

/** @param {object[]} files @returns {string} how many they are, and when the last was saved. */
export function summary(files) {
  const last = Math.max(...files.map(({ saved }) => saved));
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return `${counted(files.length, "file")}, ${sizeOf(size)}, saved ${agoOf(last)}`;
}

/**
 * @param {object} project as the website host lists it.
 * @param {object[]} files what is saved of it.
 * @param {() => void} onchange called when something was restored.
 * @param {(error: Error) => void} ontrouble called when it could not be.
 */
export function savedFiles(project, files, onchange, ontrouble) {
  const restore = async (file) => {
    const what = file ? file.name : "all files";
    const lost = file ? "Your version of this file" : `Your versions of ${counted(files.length, "file")}`;
    if (!(await isWanted("Restore the original?", `${lost} will be lost: ${what} of ${project.title}.`, "Restore"))) {
      return;
    }
    try {
      await ask("restore", { project: project.name, ...(file ? { file: file.name } : {}) });
      onchange();
    } catch (error) {
      ontrouble(error);
    }
  };
  const row = (file) =>
    make(
      "li",
      {},
      make("span", { class: "file-name" }, file.name),
      make("span", { class: "file-facts" }, `${sizeOf(file.size)}, ${agoOf(file.saved)}`),
      button("Restore", `Restore the original ${file.name}`, () => restore(file)),
    );
  return make(
    "div",
    { class: "saved" },
    make("ul", { class: "files" }, ...files.map(row)),
    button("Restore the original project", `Restore the original project ${project.title}`, () => restore(null)),
  );
}

function button(text, name, action) {
  const made = make("button", { type: "button", "aria-label": name }, text);
  made.addEventListener("click", action);
  return made;
}

// Asks the visitor before something is done that cannot be undone.
import { make } from "../elements.js";

/**
 * @param {string} title
 * @param {string} text what will happen.
 * @param {string} action the word on the button that does it.
 * @returns {Promise<boolean>} whether it is to be done.
 */
export function isWanted(title, text, action) {
  const yes = make("button", { type: "button", class: "danger" }, action);
  const no = make("button", { type: "button" }, "Cancel");
  const heading = make("h2", { id: "question" }, title);
  const dialog = make(
    "dialog",
    { "aria-labelledby": heading.id },
    heading,
    make("p", {}, text),
    make("p", { class: "buttons" }, no, yes),
  );
  document.body.append(dialog);
  return new Promise((resolve) => {
    yes.addEventListener("click", () => dialog.close("yes"));
    no.addEventListener("click", () => dialog.close());
    // Escape closes it, too.
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    dialog.showModal();
    no.focus();
  });
}

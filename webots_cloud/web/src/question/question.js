// A question inside the view that must be answered before what is under it can be used again.
import { make } from "../elements.js";

/**
 * Ask; Escape gives the last answer, which should be the one that changes nothing.
 *
 * @param {HTMLElement} place is covered while the question stands; what has the focus in it gets it back.
 * @param {string} sentence
 * @param {{label: string, value: unknown, danger?: boolean}[]} answers the first one has the focus, unless it is a
 *   dangerous one: then it is the last.
 * @returns {Promise<unknown>} the value of the answer.
 */
export function ask(place, sentence, answers) {
  return new Promise((resolve) => {
    const focused = place.getRootNode().activeElement;
    const covered = [...place.children].filter((child) => !child.inert);
    const text = make("p", { class: "webots-question-text", id: "webots-question" }, sentence);
    const answer = (value) => {
      question.remove();
      covered.forEach((child) => (child.inert = false));
      focused?.focus();
      resolve(value);
    };
    const buttons = answers.map(({ label, value, danger }) =>
      make("button", { type: "button", class: danger ? "webots-danger" : "", onclick: () => answer(value) }, label),
    );
    const box = make("div", { class: "webots-question-box" }, text, make("div", {}, ...buttons));
    const role = { role: "alertdialog", "aria-modal": "true", "aria-labelledby": "webots-question" };
    const question = make("div", { class: "webots-question", ...role }, box);
    question.addEventListener("keydown", (event) => {
      // Keys mean something else to what is around it.
      event.stopPropagation();
      if (event.key === "Escape") {
        event.preventDefault();
        answer(answers.at(-1).value);
      }
    });
    covered.forEach((child) => (child.inert = true));
    place.append(question);
    (answers[0].danger ? buttons.at(-1) : buttons[0]).focus();
  });
}

// A form that is sent by script: what is wrong is said beside its field, and it is not sent twice.
import { Refusal } from "./site.js";

/**
 * @param {HTMLFormElement} form each of whose fields has an element for what is wrong with it, named by `aria-errormessage`; one
 *   with class `trouble` is for the whole.
 * @param {(fields: object) => Promise<void>} send
 */
export function onSend(form, send) {
  form.noValidate = true;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") {
      return;
    }
    form.setAttribute("aria-busy", "true");
    clear(form);
    try {
      await send(Object.fromEntries(new FormData(form)));
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      tell(form, error);
    } finally {
      form.removeAttribute("aria-busy");
    }
  });
}

function clear(form) {
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    messageOf(field).textContent = "";
  }
  form.querySelector(".trouble").textContent = "";
}

function tell(form, { message, field }) {
  const input = field ? form.elements.namedItem(field) : null;
  if (!input) {
    form.querySelector(".trouble").textContent = message;
    return;
  }
  input.setAttribute("aria-invalid", "true");
  messageOf(input).textContent = message;
  input.focus();
}

function messageOf(input) {
  return document.getElementById(input.getAttribute("aria-errormessage"));
}

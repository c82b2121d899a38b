// Saves a file at the website host that the page came from (docs/protocol.md section 6).
import { Failure } from "../failure.js";

const PATIENCE = 30; // seconds
const LONGEST_SENTENCE = 500; // characters

/**
 * Save a file of a controller.
 *
 * @param {{dirname: string, filename: string, content: string}} form `dirname` is `PROJECT/controllers/NAME`.
 * @returns {Promise<void>}
 * @throws {Failure} where it is not saved; its message is a sentence for the visitor.
 */
export async function uploadFile(form, fetch = globalThis.fetch.bind(globalThis)) {
  let answer;
  try {
    const response = await fetch("/ajax/upload-file.php", {
      method: "POST",
      // Unlike FormData, this leaves newlines as they are.
      body: new URLSearchParams(form),
      credentials: "same-origin",
      signal: AbortSignal.timeout(PATIENCE * 1000),
    });
    answer = response.ok ? (await response.text()).trim() : `Error: this website answers with status ${response.status}.`;
  } catch (error) {
    throw new Failure(
      error.name === "TimeoutError"
        ? "This website does not answer; try again later."
        : "This website cannot be reached; check your connection and try again.",
    );
  }
  if (answer !== "OK") {
    throw new Failure(readRefusal(answer));
  }
}

/** The sentence of a website host that has not answered `OK`. */
export function readRefusal(answer) {
  const sentence = /^Error:/i.test(answer) ? answer.slice("Error:".length).trim() : "";
  const told = sentence || "This website gave an answer that is not understood.";
  return told[0].toUpperCase() + told.slice(1, LONGEST_SENTENCE);
}

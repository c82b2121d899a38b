// What pages know of the site, and what they ask of it in the visitor's name (docs/protocol.md section 7).

const PATIENCE = 30_000; // milliseconds

/** What the website refuses: `message` is a sentence for the visitor, `field` where what is wrong was typed, or "". */
export class Refusal extends Error {
  constructor(sentence, field = "") {
    super(sentence);
    this.field = field;
  }
}

let formToken = "";

/**
 * Read what a page needs to know.
 *
 * @param {string} path `projects.json`, `projects/NAME.json` or `account/saved.json`.
 * @returns {Promise<{sessionServer: string, signUp: boolean, user: object}>} and more, depending on `path`; the session
 *   server is filled in.
 * @throws {Refusal}
 */
export async function read(path) {
  const site = await answerTo(path, {});
  site.sessionServer = (site.sessionServer || nearbySessionServer()).replace(/\/+$/, "");
  site.user ??= {};
  formToken = site.user.formToken ?? "";
  return site;
}

/**
 * Have something done.
 *
 * @param {string} what below `account/`.
 * @param {object} fields texts.
 * @throws {Refusal} if it was not.
 */
export async function ask(what, fields = {}) {
  const answer = await answerTo(`account/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": formToken },
    body: JSON.stringify(fields),
  });
  formToken = answer.user?.formToken ?? formToken;
  return answer;
}

async function answerTo(path, options) {
  let response = null;
  let answer = null;
  try {
    response = await fetch(path, {
      cache: "no-store",
      credentials: "same-origin",
      signal: AbortSignal.timeout(PATIENCE),
      ...options,
    });
    answer = await response.json();
  } catch {
    // Told below, as is an answer that is none.
  }
  if (response?.ok && answer !== null && typeof answer === "object") {
    return answer;
  }
  if (typeof answer?.error === "string") {
    throw new Refusal(answer.error, answer.field);
  }
  throw new Refusal("This website does not answer as it should. Please try again later.");
}

/** The session server of the host that the page came from; browsers let an encrypted page have an encrypted one only. */
function nearbySessionServer() {
  return location.protocol === "https:" ? `wss://${location.host}/1999` : `ws://${location.hostname}:1999`;
}

/** Where a world of a project runs. */
export function simulationPage(project, world = firstWorld(project)) {
  return `simulation.html?${new URLSearchParams({ project: project.name, world })}`;
}

/** Where a project is described. */
export function projectPage(project) {
  return `project.html?${new URLSearchParams({ project: project.name })}`;
}

/** Where a project can be downloaded, as the visitor has it. */
export function archive(project) {
  return `projects/${encodeURIComponent(project.name)}.zip`;
}

/** The world of a project that opens first. */
export function firstWorld(project) {
  return project.world || project.worlds?.[0] || `${project.name}.wbt`;
}

/** A world's name for people. */
export function worldName(world) {
  return world.replace(/\.wbt$/, "").replaceAll("_", " ");
}

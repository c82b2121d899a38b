// The session server as a page meets it: from the URL of a simulation to a simulation server (docs/protocol.md section 1).
import { failures } from "./failures.js";

/**
 * What a URL given to `open` asks for.
 *
 * @param {string} url `ws://HOST:PORT/PROJECT/worlds/WORLD.wbt` (a session server, its path may have a prefix),
 *   `ws://HOST:PORT` (a Webots that streams), `https://HOST/session?url=https://github.com/...` (a session server of
 *   generation B), or `FILE.x3d` (a scene); encrypted or not.
 * @returns {{server: string, project: string, world: string} | {stream: string} |
 *   {server: string|null, session: string, github: string} | {file: string}}
 * @throws {Failure} where it is none of them.
 */
export function readSimulationUrl(url) {
  const text = String(url ?? "").trim();
  const target = readWorldUrl(text) ?? readGitHubUrl(text) ?? readStreamUrl(text) ?? readFileUrl(text);
  if (!target) {
    throw failures.notAnAddress(text);
  }
  return target;
}

/**
 * The session server that a page means.
 *
 * @param {string} url its address, or that of a simulation there.
 * @returns {string} `ws://HOST:PORT`.
 * @throws {Failure} where it is neither.
 */
export function readSessionServer(url) {
  const { server, stream } = readSimulationUrl(String(url ?? "").replace(/^http/, "ws"));
  if (!server && !stream) {
    throw failures.notAnAddress(url);
  }
  return server ?? stream;
}

function readWorldUrl(url) {
  const match = /^(wss?:\/\/[^/?#]+(?:\/[^/?#]+)*?)\/([^/?#]+)\/worlds\/([^/?#]+\.wbt)$/.exec(url);
  return match && { server: match[1], project: decodeName(match[2]), world: decodeName(match[3]) };
}

/** Any path will do: there are session servers behind web pages of all kinds. */
function readGitHubUrl(url) {
  const match = /^((?:ws|http)s?:\/\/[^/?#]+[^?#]*)\?(?:[^#]*&)?url=([^&#]+)[^#]*$/.exec(url);
  const github = match && decodeName(match[2]);
  if (!match || !/^https:\/\/github\.com\/./.test(github)) {
    return null;
  }
  const server = /^(.+)\/session$/.exec(match[1])?.[1].replace(/^http/, "ws") ?? null;
  return { server, session: httpForm(url), github };
}

function readStreamUrl(url) {
  const match = /^(wss?:\/\/[^/?#]+(?:\/[^?#]*[^/?#])?)\/?$/.exec(url);
  return match && { stream: match[1] };
}

/** Relative to the page, or of a website; nothing else than HTTP. */
function readFileUrl(url) {
  return /^(https?:\/\/|(?![a-z][a-z0-9+.-]*:))[^?#]+\.x3d(\?[^#]*)?$/i.test(url) ? { file: url } : null;
}

/**
 * Ask the session server for a simulation server.
 *
 * @param {{server: string, session?: string}} target what `readSimulationUrl` gave.
 * @param {AbortSignal} signal ends the request.
 * @returns {Promise<string>} URL of the simulation server, without a slash at its end.
 * @throws {Failure} where the session server does not answer or has no simulation server to give.
 */
export async function askForSimulationServer(target, signal, fetch = globalThis.fetch) {
  const place = placeOf(target.server ?? new URL(target.session).host);
  let answer;
  try {
    const response = await fetch(target.session ?? `${httpForm(target.server)}/session`, { signal, cache: "no-store" });
    answer = response.ok ? await response.text() : null;
  } catch {
    throw failures.sessionUnreachable(place);
  }
  if (answer === null) {
    throw failures.sessionRefused(place);
  }
  return readSessionAnswer(answer, place);
}

/** The body of `/session`: a URL, or `Error: ...`, which comes with status 200 (docs/protocol.md section 1). */
export function readSessionAnswer(answer, place) {
  const text = answer.trim();
  if (text.startsWith("Error:")) {
    const reason = text.slice("Error:".length).trim() || "no simulation server is available at the moment.";
    throw failures.noServer(reason[0].toUpperCase() + reason.slice(1, 500));
  }
  if (!/^wss?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/.test(text)) {
    throw failures.sessionOdd(place);
  }
  return text.replace(/\/+$/, "");
}

/** The HTTP form of a WebSocket URL. */
export function httpForm(url) {
  return url.replace(/^ws/, "http");
}

/** The host and port of a URL, for sentences. */
export function placeOf(url) {
  return url.replace(/^(ws|http)s?:\/\//, "");
}

function decodeName(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

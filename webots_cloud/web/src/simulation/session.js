// The session server as a page meets it: from the URL of a simulation to a simulation server (docs/protocol.md section 1).
import { Failure } from "../failure.js";

/**
 * What a URL given to `open` asks for.
 *
 * @param {string} url `ws://HOST:PORT/PROJECT/worlds/WORLD.wbt` (a session server, its path may have a prefix) or
 *   `ws://HOST:PORT` (a Webots that streams); also with `wss:`.
 * @returns {{server: string, project: string, world: string} | {stream: string}}
 * @throws {Failure} where it is neither.
 */
export function readSimulationUrl(url) {
  const worldForm = /^(wss?:\/\/[^/?#]+(?:\/[^/?#]+)*?)\/([^/?#]+)\/worlds\/([^/?#]+\.wbt)$/.exec(url);
  if (worldForm) {
    return { server: worldForm[1], project: decodeName(worldForm[2]), world: decodeName(worldForm[3]) };
  }
  const streamForm = /^(wss?:\/\/[^/?#]+(?:\/[^?#]*[^/?#])?)\/?$/.exec(url);
  if (streamForm) {
    return { stream: streamForm[1] };
  }
  throw new Failure(
    `“${url}” is not the address of a simulation: it should look like ws://HOST:PORT/PROJECT/worlds/WORLD.wbt.`,
  );
}

/**
 * Ask the session server for a simulation server.
 *
 * @param {string} server URL of the session server, `ws://HOST:PORT`.
 * @param {AbortSignal} signal ends the request.
 * @returns {Promise<string>} URL of the simulation server, without a slash at its end.
 * @throws {Failure} where the session server does not answer or has no simulation server to give.
 */
export async function askForSimulationServer(server, signal, fetch = globalThis.fetch) {
  const unreachable = `The session server ${placeOf(server)} cannot be reached.`;
  let answer;
  try {
    const response = await fetch(`${httpForm(server)}/session`, { signal, cache: "no-store" });
    answer = response.ok ? await response.text() : null;
  } catch {
    throw new Failure(unreachable);
  }
  if (answer === null) {
    throw new Failure(`The session server ${placeOf(server)} refused the request.`);
  }
  return readSessionAnswer(answer, server);
}

/** The body of `/session`: a URL, or `Error: ...`, which comes with status 200 (docs/protocol.md section 1). */
export function readSessionAnswer(answer, server) {
  const text = answer.trim();
  if (text.startsWith("Error:")) {
    return refuse(text.slice("Error:".length));
  }
  if (!/^wss?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/.test(text)) {
    throw new Failure(`The session server ${placeOf(server)} gave an answer that is not understood.`);
  }
  return text.replace(/\/+$/, "");
}

/** The HTTP form of a WebSocket URL. */
export function httpForm(url) {
  return url.replace(/^ws/, "http");
}

/** The host and port of a URL, for sentences. */
export function placeOf(url) {
  return url.replace(/^wss?:\/\//, "");
}

function refuse(reason) {
  const sentence = reason.trim() || "no simulation server is available at the moment.";
  throw new Failure(sentence[0].toUpperCase() + sentence.slice(1, 500));
}

function decodeName(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

// Webots' streaming protocol: the scene, its changes, the console and the modes (docs/protocol.md section 4).

import { readLabelMessage } from "../scene/label_text.js";

const MODES = new Map([
  ["pause", "pause"],
  ["paused by client", "pause"],
  ["real-time", "run"],
  ["run", "fast"],
  ["fast", "fast"],
  ["step", "pause"],
]);

const MOST_WORLDS = 500;
const LONGEST_WORLDS = 100_000; // characters

/** Each prefix a message may have, and how the rest of it is read. */
const READERS = [
  ["application/json:", readState],
  ["time:", (rest) => ({ kind: "time", time: Number(rest) })],
  ["stdout:", (rest) => ({ kind: "stdout", text: rest })],
  ["stderr:", (rest) => ({ kind: "stderr", text: rest })],
  ["model:", (rest) => ({ kind: "model", x3d: rest.trim() })],
  ["label:", readLabel],
  ["image[", readImage],
  ["world:", readWorld],
  ["loading:", readLoading],
  ["node:", readNode],
  ["delete:", (rest) => ({ kind: "delete", id: rest.trim() })],
  ["visibility:", readVisibility],
  ["set controller:", readController],
  ["robot:", readRobot],
  ["multimedia:", readMultimedia],
  ["pause:", (rest) => ({ kind: "mode", mode: "pause", time: Number(rest) })],
];

/**
 * What a message from Webots says.
 *
 * @param {string} text one text frame.
 * @returns {{kind: string}} kind is `state` (`time`, `poses`, `labels`), `time`, `stdout`, `stderr`, `model`, `image`,
 *   `label`, `world`, `loading`, `node`, `delete`, `visibility`, `controller`, `robot` (`robot`, `message`), `mode`
 *   (`mode` is `run`, `fast` or `pause`), `complete`, `reset`, `multimedia` (`path`), or `unknown`. Times are in milliseconds.
 */
export function readStreamMessage(text) {
  if (MODES.has(text)) {
    return { kind: "mode", mode: MODES.get(text) };
  }
  if (text === "scene load completed") {
    return { kind: "complete" };
  }
  if (text === "reset finished") {
    return { kind: "reset" };
  }
  const reader = READERS.find(([prefix]) => text.startsWith(prefix));
  return (reader && reader[1](text.slice(reader[0].length))) || { kind: "unknown" };
}

/**
 * Connect to Webots and pass on what it says.
 *
 * @param {string} url the text after `webots:`.
 * @param {string} mode the first message: what is asked for.
 * @param {{message: (message: {kind: string}) => void, closed: (opened: boolean) => void}} listener `closed` is called
 *   once, also where the connection was never made; a message of kind `frame` has a picture in `data`, a Blob.
 * @returns {{close: () => void, send: (text: string) => void}} `close` keeps the listener from hearing any more.
 */
export function openStream(url, mode, listener, connect = (address) => new WebSocket(address)) {
  const socket = connect(`${url}/`);
  let opened = false;
  socket.onopen = () => {
    opened = true;
    socket.send(mode);
  };
  socket.onmessage = ({ data }) =>
    listener.message(typeof data === "string" ? readStreamMessage(data) : { kind: "frame", data });
  socket.onclose = () => listener.closed(opened);
  return {
    send: (text) => opened && socket.send(text),
    close() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    },
  };
}

function readState(rest) {
  let state;
  try {
    state = JSON.parse(rest);
  } catch {
    return null;
  }
  // Later versions say `updates` for `poses`.
  const list = (found) => (Array.isArray(found) ? found : []);
  return {
    kind: "state",
    time: Number(state?.time),
    poses: list(state?.poses ?? state?.updates),
    labels: list(state?.labels),
  };
}

function readLabel(rest) {
  const label = readLabelMessage(rest);
  return label && { kind: "label", label };
}

function readImage(rest) {
  const end = rest.indexOf("]:");
  const data = rest.slice(end + 2);
  return end > 0 && data.startsWith("data:image/") ? { kind: "image", url: rest.slice(0, end), data } : null;
}

function readWorld(rest) {
  const [world, worlds = ""] = rest.slice(0, LONGEST_WORLDS).split(":");
  return { kind: "world", world: world.trim(), worlds: worlds.split(";").filter(Boolean).slice(0, MOST_WORLDS) };
}

function readLoading(rest) {
  const separator = rest.lastIndexOf(":");
  const percent = Number(rest.slice(separator + 1));
  return separator < 0 || !Number.isFinite(percent)
    ? { kind: "loading", status: rest.trim(), percent: null }
    : { kind: "loading", status: rest.slice(0, separator).trim(), percent: Math.min(100, Math.max(0, percent)) };
}

function readNode(rest) {
  const match = /^\s*(-?\d+)\s*:([\s\S]*)$/.exec(rest);
  return match && { kind: "node", parent: match[1], x3d: match[2].trim() };
}

function readVisibility(rest) {
  const match = /^\s*(-?\d+)\s*:\s*([01])\s*$/.exec(rest);
  return match && { kind: "visibility", id: match[1], visible: match[2] === "1" };
}

/** `NAME:MESSAGE`, or JSON; of JSON whose quotes are not escaped, what can only be meant. */
function readRobot(rest) {
  if (!rest.startsWith("{")) {
    const match = /^([^:]+):([\s\S]*)$/.exec(rest);
    return match && { kind: "robot", robot: match[1], message: match[2] };
  }
  let said;
  try {
    said = JSON.parse(rest);
  } catch {
    const match = /^\{\s*"message"\s*:\s*"([\s\S]*)"\s*,\s*"name"\s*:\s*"([^"]*)"\s*\}\s*$/.exec(rest);
    said = match && { message: match[1], name: match[2] };
  }
  const isSound = typeof said?.name === "string" && typeof said.message === "string";
  return isSound ? { kind: "robot", robot: said.name, message: said.message } : null;
}

/** Where the pictures are: a path on the server that says so, and nowhere else. */
function readMultimedia(rest) {
  const path = /^\/?([\w.-][\w./?=&%-]*)$/.exec(rest.trim().split(" ")[0]);
  return path && !path[1].split("/").includes("..") ? { kind: "multimedia", path: path[1] } : null;
}

function readController(rest) {
  const match = /^([^/\n]+)\/([^\n]+):(\d+)\n?([\s\S]*)$/.exec(rest);
  return match && { kind: "controller", name: match[1], file: match[2], content: match[4] };
}

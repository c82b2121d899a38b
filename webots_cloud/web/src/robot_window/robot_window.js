// For pages of robot windows: `import RobotWindow from "./robot_window.js"`, with this file copied beside them.
//
// Inside a webots.View messages go through the view. Everywhere else, for instance where Webots itself shows the page,
// they go over a WebSocket to Webots, as with the class of this name that Webots offers (R2022a and later).

const VIEW_FRAME = "webots.View";

/** The window of the robot that the page's address names. */
export default class RobotWindow {
  /** The name of the robot. */
  name = new URLSearchParams(location.search).get("name") ?? "";
  #connection = window.name === VIEW_FRAME && parent !== window ? throughView(this) : overSocket(this);

  constructor() {
    this.send("init robot window");
  }

  /**
   * The robot says something; a page puts a function of its own in its place.
   *
   * @param {string} message
   * @param {string} robot its name.
   */
  receive(message, robot) {
    console.log(`${robot} says: ${message}`);
  }

  /** Say something to the robot: its controller gets it by `wwiReceiveText`. */
  send(message, robot = this.name) {
    this.#connection.send(String(message), robot);
  }

  /** @param {string} title shown over the window. */
  setTitle(title) {
    document.title = title;
    this.#connection.setTitle?.(String(title));
  }
}

let only = null;

/** How pages of R2021 and earlier ask for the window: `webots.window()`. */
export const webots = { window: () => (only ??= new RobotWindow()) };
globalThis.webots ??= webots;

function throughView(robotWindow) {
  addEventListener("message", ({ source, data }) => {
    if (source === parent && data?.webots === "receive") {
      robotWindow.receive(data.message, data.robot);
    }
  });
  // Which site the view is on is not known here, and what is said is no secret of the page's.
  return {
    send: (message, robot) => parent.postMessage({ webots: "send", message, robot }, "*"),
    setTitle: (title) => parent.postMessage({ webots: "title", title }, "*"),
  };
}

function overSocket(robotWindow) {
  const [base] = location.href.split("robot_windows/");
  const socket = new WebSocket(base.replace(/^http/, "ws"));
  const waiting = [];
  socket.onopen = () => waiting.splice(0).forEach((text) => socket.send(text));
  socket.onmessage = ({ data }) => {
    const { name, message } = readMessage(data);
    if (name === robotWindow.name) {
      robotWindow.receive(message, name);
    }
  };
  return {
    send(message, robot) {
      const text = robot.includes(":")
        ? `robot:${JSON.stringify({ name: robot, message })}`
        : `robot:${robot}:${message}`;
      if (socket.readyState === WebSocket.CONNECTING) {
        waiting.push(text);
      } else {
        socket.send(text);
      }
    },
  };
}

function readMessage(data) {
  try {
    return typeof data === "string" && data.startsWith("robot:{") ? JSON.parse(data.slice("robot:".length)) : {};
  } catch {
    return {};
  }
}

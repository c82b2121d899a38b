// Robot windows: pages of the project, each in a sandbox over the scene, and the messages between them and their robots.
import { Allowance, plainTitle, readFromWindow, windowUrl } from "./messages.js";
import { make } from "../elements.js";
import { WindowFrame } from "./window_frame.js";

const MOST_WINDOWS = 20;

/** All windows of a view. A robot is known by its name; the empty name stands for the world, whose window hears all. */
export class RobotWindows {
  #send;
  #open = new Map();
  #sizes = null;
  #hear = (event) => this.#take(event);

  element = make("div", { class: "webots-windows" });

  /** @param {{send: (message: string, robot: string) => void}} edges `send` takes a message for a robot. */
  constructor({ send }) {
    this.#send = send;
  }

  /**
   * Show the window of a robot, or bring it to the front.
   *
   * @param {{name: string, window: string}} robot
   * @param {string} base the HTTP address below which Webots serves its files; best one that leads nowhere else.
   * @returns {boolean} whether it has one.
   */
  open(robot, base) {
    const known = this.#open.get(robot.name);
    const url = windowUrl(base, robot);
    if (known) {
      known.frame.raise();
      known.frame.element.focus();
    } else if (url && this.#open.size < MOST_WINDOWS) {
      this.#add(robot.name, url);
    }
    return Boolean(known || url);
  }

  /** Close the window of a robot; nothing happens where none is open. */
  close(name) {
    const known = this.#open.get(name);
    if (!known) {
      return;
    }
    this.#open.delete(name);
    const hadFocus = known.frame.element.contains(this.element.getRootNode().activeElement);
    known.frame.element.remove();
    if (hadFocus && known.focusedBefore?.isConnected) {
      known.focusedBefore.focus();
    }
    if (this.#open.size === 0) {
      removeEventListener("message", this.#hear);
      this.#sizes?.disconnect();
      this.#sizes = null;
    }
  }

  /** Close all: the simulation has ended, or has another world. */
  closeAll() {
    for (const name of [...this.#open.keys()]) {
      this.close(name);
    }
  }

  /** A robot speaks to its window. */
  take({ robot, message }) {
    for (const name of new Set([robot, ""])) {
      this.#open.get(name)?.frame.tell({ webots: "receive", message, robot });
    }
  }

  #add(name, url) {
    const title = plainTitle(name) || "World";
    const focusedBefore = this.element.getRootNode().activeElement;
    const frame = new WindowFrame(url, title, this.element, () => this.close(name));
    if (this.#open.size === 0) {
      addEventListener("message", this.#hear);
      this.#sizes = new ResizeObserver(() => this.#open.forEach((each) => each.frame.fit()));
      this.#sizes.observe(this.element);
    }
    this.element.append(frame.element);
    frame.open(this.#open.size);
    this.#open.set(name, { frame, title, focusedBefore, allowance: new Allowance(), warned: false });
  }

  /** A message from some page: it counts only where it comes from one of our frames, which have no origin. */
  #take({ source, origin, data }) {
    const [name, known] = [...this.#open].find(([, { frame }]) => frame.isSource(source)) ?? [];
    const wish = known && origin === "null" ? readFromWindow(data, name) : null;
    if (!wish) {
      return;
    }
    if (!known.allowance.take(wish.text?.length ?? 0)) {
      if (!known.warned) {
        known.warned = true;
        console.warn(`webots: the robot window of ${known.title} says too much: some of it is dropped`);
      }
    } else if (wish.kind === "title") {
      known.frame.setTitle(wish.title || known.title);
    } else {
      this.#send(wish.text, wish.robot);
    }
  }
}

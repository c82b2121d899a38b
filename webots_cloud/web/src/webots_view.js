// The element <webots-view>, with the attributes and methods of the one that Webots ships since R2022.

const NAME = "webots-view";

/** Which property of the element shows which buttons (toolbar/buttons.js). */
const BUTTONS = {
  showPlay: ["run", "pause"],
  showQuit: ["quit"],
  showReload: ["revert"],
  showReset: ["reset"],
  showRevert: ["revert"],
  showRun: ["fast"],
  showStep: ["step"],
  showTerminal: ["console"],
  showWorldSelection: ["worlds"],
};

/**
 * Define the element, unless the page has one already.
 *
 * @param {new (element: HTMLElement, mobile?: boolean) => import("./view.js").View} View
 */
export function defineWebotsView(View) {
  if (!customElements.get(NAME)) {
    customElements.define(NAME, makeElement(View));
  }
}

function makeElement(View) {
  return class WebotsView extends HTMLElement {
    #view = null;
    #animated = false;
    #told = {};

    /** The scene is shown. */
    onready = null;
    /** The simulation is over. */
    ondisconnect = null;

    /** The attributes are read when the element comes into the page. */
    connectedCallback() {
      const { scene, animation, server, mode, thumbnail, autoplay, connectcallback, disconnectcallback } = this.dataset;
      this.onready ??= globalFunction(connectcallback);
      this.ondisconnect ??= globalFunction(disconnectcallback);
      const mobile = flag(this.dataset.ismobiledevice);
      if (scene && animation) {
        this.loadAnimation(scene, animation, autoplay !== "false", mobile, thumbnail);
      } else if (scene) {
        this.loadScene(scene, mobile, thumbnail);
      } else if (server) {
        const broadcast = flag(this.dataset.broadcast ?? this.dataset.isbroadcast);
        this.connect(server, mode, broadcast ?? false, mobile, undefined, thumbnail);
      }
    }

    disconnectedCallback() {
      this.close();
    }

    /**
     * Show a simulation, in place of what was shown before.
     *
     * @param {string} server see `View.open`.
     * @param {string} mode `x3d`, `w3d` or `mjpeg`.
     * @param {boolean} broadcast whether visitors only watch.
     * @param {boolean} isMobileDevice larger buttons; by default where a finger points.
     * @param {number|(() => void)} timeout simulated seconds after which it pauses; or, as in R2022, what `onready` is.
     * @param {string|(() => void)} thumbnail URL of a picture to show meanwhile; or what `ondisconnect` is.
     */
    connect(server, mode, broadcast = false, isMobileDevice = undefined, timeout = undefined, thumbnail = undefined) {
      if (typeof timeout === "function") {
        this.onready = timeout;
      }
      if (typeof thumbnail === "function") {
        this.ondisconnect = thumbnail;
      }
      const view = this.#make(isMobileDevice, thumbnail);
      view.broadcast = Boolean(broadcast);
      view.setTimeout(typeof timeout === "number" ? timeout : -1);
      view.open(server, mode);
    }

    /** Show a scene file. */
    loadScene(scene, isMobileDevice = undefined, thumbnail = undefined) {
      this.#make(isMobileDevice, thumbnail).open(scene);
    }

    /**
     * Show a scene file and play a recorded animation in it.
     *
     * @param {boolean} play whether it starts by itself.
     */
    loadAnimation(scene, animation, play = true, isMobileDevice = undefined, thumbnail = undefined) {
      const view = this.#make(isMobileDevice, thumbnail);
      view.setAnimation(animation, play ? "play" : "pause", true);
      this.#animated = true;
      view.open(scene);
    }

    /** End what is shown. */
    close() {
      const view = this.#view;
      this.#view = null;
      this.#animated = false;
      view?.dispose();
    }

    hasView() {
      return this.#view !== null;
    }

    hasAnimation() {
      return this.#animated;
    }

    hideToolbar() {
      if (this.#view) {
        this.#view.toolbar = false;
      }
    }

    showToolbar() {
      if (this.#view) {
        this.#view.toolbar = true;
      }
    }

    /** Nothing is to be done: the view always fills the element. */
    resize() {}

    /** Tell Webots something (docs/protocol.md section 4). */
    sendMessage(message) {
      this.#view?.sendMessage(message);
    }

    displayQuit(shown) {
      this.#display("showQuit", shown);
    }

    displayRevert(shown) {
      this.#display("showRevert", shown);
    }

    displayRun(shown) {
      this.#display("showRun", shown);
    }

    /** @param {(text: string) => void} callback hears what controllers print. */
    setWebotsMessageCallback(callback) {
      this.#told.onstdout = callback;
    }

    /** @param {(text: string) => void} callback hears what controllers print of errors. */
    setWebotsErrorMessageCallback(callback) {
      this.#told.onstderr = callback;
    }

    /** Accepted from pages that set it; this renderer has no ambient occlusion. */
    setAmbientOcclusion() {}

    #make(isMobileDevice, thumbnail) {
      this.close();
      // As an element is `inline` by itself, it would have no height.
      this.style.display ||= "block";
      const view = new View(this, isMobileDevice);
      view.thumbnail = typeof thumbnail === "string" ? thumbnail : "";
      view.buttons = this.#buttons();
      view.onready = () => this.onready?.();
      view.onclose = () => this.ondisconnect?.();
      // What follows is the page's affair; the view shows that it is over.
      view.onquit = () => {};
      view.onstdout = (text) => this.#told.onstdout?.(text);
      view.onstderr = (text) => this.#told.onstderr?.(text);
      this.#view = view;
      return view;
    }

    #buttons() {
      const shown = Object.entries(BUTTONS).filter(([property]) => this[property] !== undefined);
      return Object.fromEntries(
        shown.flatMap(([property, names]) => names.map((name) => [name, Boolean(this[property])])),
      );
    }

    #display(property, shown) {
      this[property] = Boolean(shown);
      if (this.#view) {
        this.#view.buttons = this.#buttons();
      }
    }
  };
}

/** An attribute that says yes by being there; undefined where it is not. */
function flag(text) {
  return text === undefined ? undefined : text !== "false";
}

/** What a page has named in an attribute; null where there is no such function. */
function globalFunction(name) {
  return typeof globalThis[name] === "function" ? () => globalThis[name]() : null;
}

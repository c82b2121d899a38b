// What the visitor sees of a simulation: the parts of the view, and where each of them stands.
import { ConsolePanel } from "./console/console.js";
import { Editing } from "./editor/editing.js";
import { make } from "./elements.js";
import { Menu } from "./menu/menu.js";
import { Panel } from "./panel/panel.js";
import { Notices } from "./progress/notice.js";
import { Progress } from "./progress/progress.js";
import { RobotWindows } from "./robot_window/robot_windows.js";
import { Scene } from "./scene/scene.js";
import { SceneMenu } from "./scene/scene_menu.js";
import { Separator } from "./separator/separator.js";
import { BUTTONS } from "./toolbar/buttons.js";
import { Toolbar } from "./toolbar/toolbar.js";
import { Pictures } from "./video/pictures.js";
import style from "./view.css";

const sheet = new CSSStyleSheet();
sheet.replaceSync(style);

/** Makes the parts and arranges them; what each of them does is said elsewhere. */
export class Stage {
  #badge = make(
    "p",
    { class: "webots-badge", title: "This is not Webots: a small simulator stands in for it.", hidden: true },
    "stand-in simulator",
  );
  #onFullScreen = () => this.toolbar.setFullScreen(this.element.matches(":fullscreen"));

  #consoleSize = new Separator({
    label: "Height of the console",
    vertical: false,
    initial: 32,
    least: 15,
    most: 70,
    onmove: (percent) => this.console?.element.style.setProperty("--webots-console-share", `${percent}%`),
  });

  element = make("div", { class: "webots-view" });
  area = make("div", { class: "webots-area" });
  scene = new Scene(this.area);
  sceneMenu = new SceneMenu(this.scene);
  console = new ConsolePanel();
  pictures = new Pictures();
  notices = new Notices();
  panel = new Panel();
  menu = new Menu();

  /**
   * @param {boolean} mobile larger buttons.
   * @param {{press: (pressed: string) => void, again: () => void, editing: object,
   *   toRobot: (message: string, robot: string) => void}} listener hears of what the visitor wants; `editing` is what the
   *   editor needs (editor/editing.js), `toRobot` gets what robot windows say.
   */
  constructor(mobile, listener) {
    this.toolbar = new Toolbar(listener.press);
    this.progress = new Progress(listener.again);
    this.robotWindows = new RobotWindows({ send: listener.toRobot });
    this.element.classList.toggle("webots-mobile", mobile);
    this.editing = new Editing(this.area, {
      controllers: () => this.scene.robots.map(({ controller }) => controller),
      failed: (sentence) => this.notices.show("editor", { sentence }),
      closed: () => this.scene.surface.element.focus(),
      ...listener.editing,
    });
    this.console.onlink = (place) => this.editing.follow(place);
    this.console.onunseen = (unseen) => this.toolbar.setMark("console", unseen ? "new errors" : "");
    this.#consoleSize.element.hidden = true;
    this.area.append(
      this.pictures.element,
      this.#badge,
      this.robotWindows.element,
      this.progress.element,
      this.notices.element,
      this.panel.element,
      this.sceneMenu.element,
    );
    // Neither the page's style sheets nor its scripts meet what is inside by accident.
    const shadow = this.element.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(
      this.editing.desk,
      this.#consoleSize.element,
      this.console.element,
      this.toolbar.element,
      this.menu.element,
    );
    shadow.addEventListener("keydown", (event) => this.toolbar.hearKey(event));
    this.toolbar.setThere({ fullscreen: document.fullscreenEnabled });
    document.addEventListener("fullscreenchange", this.#onFullScreen);
  }

  /**
   * Whether the scene is shown and can be controlled.
   *
   * @param {boolean} ready
   * @param {boolean} watching the visitor only watches.
   * @param {boolean} standIn it does not come from Webots.
   */
  setReady(ready, watching = false, standIn = false) {
    this.toolbar.setReady(ready, watching);
    this.toolbar.setThere({ robots: ready && this.scene.robots.length > 0 });
    this.#badge.hidden = !standIn;
  }

  /** Whether there are buttons that control a simulation; a scene from a file has none to control. */
  setControls(there) {
    const names = BUTTONS.filter(({ controls }) => controls).map(({ name }) => [name, there]);
    this.toolbar.setThere({ ...Object.fromEntries(names), console: there, worlds: false });
  }

  toggleConsole() {
    this.console.shown = !this.console.shown;
    this.#consoleSize.element.hidden = !this.console.shown;
    this.toolbar.setOpen("console", this.console.shown);
  }

  async toggleFullScreen() {
    try {
      await (this.element.matches(":fullscreen") ? document.exitFullscreen() : this.element.requestFullscreen());
    } catch {
      this.notices.show("fullscreen", { sentence: "The browser does not let this page fill the screen." });
    }
  }

  /** Show nothing of a simulation any more. */
  clear() {
    this.setReady(false);
    this.toolbar.setThere({ worlds: false });
    this.notices.clear();
    this.pictures.close();
    this.panel.close();
    this.menu.close();
    this.sceneMenu.close();
    this.robotWindows.closeAll();
    this.scene.forget();
  }

  /** Take it off the page and free all it holds. */
  dispose() {
    document.removeEventListener("fullscreenchange", this.#onFullScreen);
    this.scene.dispose();
    this.editing.dispose();
    this.element.remove();
  }
}

// What the visitor sees of a simulation: the parts of the view, and where each of them stands.
import { ConsolePanel } from "./console/console.js";
import { make } from "./elements.js";
import { Menu } from "./menu/menu.js";
import { Panel } from "./panel/panel.js";
import { Question } from "./panel/question.js";
import { Notices } from "./progress/notice.js";
import { Progress } from "./progress/progress.js";
import { Scene } from "./scene/scene.js";
import { SceneMenu } from "./scene/scene_menu.js";
import { BUTTONS } from "./toolbar/buttons.js";
import { Toolbar } from "./toolbar/toolbar.js";
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

  element = make("div", { class: "webots-view" });
  area = make("div", { class: "webots-area" });
  scene = new Scene(this.area);
  sceneMenu = new SceneMenu(this.scene);
  console = new ConsolePanel();
  notices = new Notices();
  panel = new Panel();
  question = new Question();
  menu = new Menu();

  /**
   * @param {boolean} mobile larger buttons.
   * @param {{press: (pressed: string) => void, again: () => void}} listener hears of what the visitor wants.
   */
  constructor(mobile, listener) {
    this.toolbar = new Toolbar(listener.press);
    this.progress = new Progress(listener.again);
    this.element.classList.toggle("webots-mobile", mobile);
    this.area.append(
      this.#badge,
      this.progress.element,
      this.notices.element,
      this.panel.element,
      this.sceneMenu.element,
    );
    // Neither the page's style sheets nor its scripts meet what is inside by accident.
    const shadow = this.element.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(this.area, this.console.element, this.toolbar.element, this.menu.element, this.question.element);
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
    this.console.element.hidden = !this.console.element.hidden;
    this.toolbar.setOpen("console", !this.console.element.hidden);
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
    this.panel.close();
    this.menu.close();
    this.sceneMenu.close();
    this.question.close();
    this.scene.forget();
  }

  /** Take it off the page and free all it holds. */
  dispose() {
    document.removeEventListener("fullscreenchange", this.#onFullScreen);
    this.scene.dispose();
    this.element.remove();
  }
}

// What the visitor sees of a simulation: the parts of the view, and where each of them stands.
import { ConsolePanel } from "./console/console.js";
import { Editing } from "./editor/editing.js";
import { make } from "./elements.js";
import { Notice } from "./progress/notice.js";
import { Progress } from "./progress/progress.js";
import { Scene } from "./scene/scene.js";
import { Separator } from "./separator/separator.js";
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
  console = new ConsolePanel();
  notice = new Notice();

  /**
   * @param {boolean} mobile larger buttons.
   * @param {{press: (pressed: string) => void, again: () => void, editing: object}} listener hears of what the visitor
   *   wants; `editing` is what the editor needs (editor/editing.js).
   */
  constructor(mobile, listener) {
    this.toolbar = new Toolbar(listener.press);
    this.progress = new Progress(listener.again);
    this.element.classList.toggle("webots-mobile", mobile);
    this.editing = new Editing(this.area, {
      controllers: () => this.scene.robots?.map(({ controller }) => controller) ?? [],
      failed: (sentence) => this.notice.show(sentence),
      closed: () => this.toolbar.element.querySelector("button")?.focus(),
      ...listener.editing,
    });
    this.console.onlink = (place) => this.editing.follow(place);
    this.console.onunseen = (unseen) => this.toolbar.setUnseen(unseen);
    this.#consoleSize.element.hidden = true;
    this.area.append(this.#badge, this.notice.element, this.progress.element);
    // Neither the page's style sheets nor its scripts meet what is inside by accident.
    const shadow = this.element.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(this.editing.desk, this.#consoleSize.element, this.console.element, this.toolbar.element);
  }

  /** Whether the scene is shown and can be controlled. */
  setReady(ready, standIn = false) {
    this.toolbar.setReady(ready);
    this.#badge.hidden = !standIn;
  }

  toggleConsole() {
    this.console.shown = !this.console.shown;
    this.#consoleSize.element.hidden = !this.console.shown;
    this.toolbar.setConsole(this.console.shown);
  }

  /** Show nothing of a simulation any more. */
  clear() {
    this.setReady(false);
    this.notice.hide();
    this.scene.forget();
  }

  /** Take it off the page and free all it holds. */
  dispose() {
    this.scene.dispose();
    this.editing.dispose();
    this.element.remove();
  }
}

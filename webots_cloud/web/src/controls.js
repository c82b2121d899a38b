// What the buttons of the toolbar do.
import { help, information } from "./panel/information.js";

/** Acts on the stage and on the simulation that is open. */
export class Controls {
  #stage;
  #page;

  #actions = {
    quit: () => this.#page.quit(),
    info: () => this.#toggle("info", () => information(this.#page.visit, this.#stage.scene.worldInfo)),
    worlds: () => this.#openWorlds(),
    reset: () => this.#restart("reset"),
    revert: () => this.#restart("revert"),
    run: () => this.#page.visit.run("run"),
    fast: () => this.#page.visit.run("fast"),
    robots: () => this.#stage.scene.picker.onmenu?.(null, placeOf(this.#stage.toolbar.anchor("robots"))),
    console: () => this.#stage.toggleConsole(),
    help: () => this.#toggle("help", () => help(this.#page.documentation)),
    fullscreen: () => this.#stage.toggleFullScreen(),
    more: () => this.#openMenu("more", this.#stage.toolbar.hiddenButtons()),
  };

  /**
   * @param {import("./stage.js").Stage} stage
   * @param {{visit: import("./visit.js").Visit|null, documentation: string, quit: () => void}} page
   */
  constructor(stage, page) {
    this.#stage = stage;
    this.#page = page;
  }

  /** @param {string} name of a button; those that are not here are orders to Webots. */
  press(name) {
    (this.#actions[name] ?? (() => this.#page.visit.send(name)))();
  }

  /** What was written is saved first: the simulation then runs it. */
  #restart(order) {
    this.#stage.editing.saveAll();
    this.#page.visit.send(order);
  }

  #toggle(name, content) {
    const { panel, toolbar } = this.#stage;
    if (panel.isOpen(name)) {
      panel.close();
    } else {
      const onchange = (open) => toolbar.setOpen(name, open);
      panel.open({ ...content(), name, onchange }, toolbar.anchor(name));
    }
  }

  #openWorlds() {
    const { visit } = this.#page;
    const items = visit.worlds.map((world) => ({
      label: world.replace(/\.wbt$/, ""),
      checked: world === visit.world,
      action: () => this.#restart(`load:${world}`),
    }));
    this.#openMenu("worlds", items, "Worlds");
  }

  #openMenu(name, items, title = "") {
    const anchor = this.#stage.toolbar.anchor(name);
    this.#stage.menu.open(items, placeOf(anchor), anchor, title);
  }
}

/** Over a button. */
function placeOf(element) {
  const { left, top } = element.getBoundingClientRect();
  return { x: left, y: top - 4 };
}

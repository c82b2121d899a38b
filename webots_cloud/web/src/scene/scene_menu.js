// The menu of an object in the scene, and the one of the scene itself, from which robots are chosen without a pointer.
import { Menu } from "../menu/menu.js";

const MOST_ROBOTS = 100;

/** Opens when the picking asks for it. */
export class SceneMenu {
  /**
   * What else can be done, before what is here.
   *
   * @type {(object: import("./picking.js").SceneObject|null) => import("../menu/menu.js").MenuItem[]}
   */
  more = () => [];

  #scene;
  #menu = new Menu();

  /** @param {import("./scene.js").Scene} scene */
  constructor(scene) {
    this.#scene = scene;
    scene.picker.onmenu = (object, place) => this.#open(object, place);
  }

  /** Put it where the menu may appear. */
  get element() {
    return this.#menu.element;
  }

  /** Take the menu away. */
  close() {
    this.#menu.close();
  }

  #open(object, place) {
    const own = object ? this.#itemsOf(object) : this.#robots();
    const { camera, surface } = this.#scene;
    const items = [...this.more(object), ...own, { label: "Reset the viewpoint", action: () => camera.reset() }];
    this.#menu.open(items, place, surface.element, object ? object.name || object.type : "Robots and view");
  }

  #itemsOf({ id }) {
    const { camera } = this.#scene;
    const followed = camera.followed === id;
    return [
      { label: "Follow", checked: followed, action: () => camera.follow(followed ? null : id) },
      { label: "Look at it", action: () => camera.lookAt(id) },
    ];
  }

  #robots() {
    const { picker, robots } = this.#scene;
    return robots.slice(0, MOST_ROBOTS).map(({ id, name }) => ({
      label: name || "robot",
      action: () => {
        picker.select(id);
        picker.openMenu();
      },
    }));
  }
}

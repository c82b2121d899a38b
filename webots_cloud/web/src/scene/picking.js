// Which object of the scene is meant by a place on the view; the one that is selected, and the mark round it.
import { ballAround } from "./bounds.js";
import { Highlight } from "./highlight.js";
import { boundsOf, firstHit, matrixOf } from "./nodes.js";
import { outline } from "./outline.js";
import { add, scale } from "./vector.js";
import { fromCamera, onView } from "./viewing.js";

/** @typedef {{id: string, name: string, type: string, controller: string, window: string}} SceneObject */

/**
 * Which object a hit means: the innermost robot around it, or else the outermost object.
 *
 * @param {string[]} path ids from the outermost node to the shape.
 * @param {(id: string) => SceneObject|null} objectOf the nearest object at or around a node.
 */
export function choose(path, objectOf) {
  const objects = path.map((id) => objectOf(id)).filter(Boolean);
  return objects.findLast(({ type }) => type === "robot") ?? objects[0] ?? null;
}

/** A scene's selection. */
export class Picker {
  /** Something else is selected: called with the object, or null for nothing. */
  onselect = null;
  /** A menu is asked for: called with the object or null, and with the place in the window, `{x, y}` in pixels. */
  onmenu = null;

  #scene;
  #camera;
  #highlight = new Highlight();
  #selected = null;
  #frame = null;

  /**
   * @param {object} scene see `scene.js`.
   * @param {import("./camera.js").Camera} camera
   */
  constructor(scene, camera) {
    this.#scene = scene;
    this.#camera = camera;
    scene.onframe(() => this.#redraw());
    camera.onmove(() => this.#redraw());
    new ResizeObserver(() => this.#redraw()).observe(this.element);
  }

  /** The mark round what is selected: lies over the picture, as large as it. */
  get element() {
    return this.#highlight.element;
  }

  /** The id of the selected object, or null. */
  get selected() {
    return this.#selected?.id ?? null;
  }

  /** Select an object. @param {string|null} id such as `n70`; null: nothing. */
  select(id) {
    const object = id === null ? null : this.#scene.objectOf(id);
    if (object?.id !== this.#selected?.id) {
      this.#selected = object;
      this.#highlight.name(object ? object.name || object.type : "");
      this.#redraw();
      this.onselect?.(object);
    }
  }

  /** A node is taken away. @param {object} node of X_ITE. */
  lose(node) {
    if (this.#selected && this.#scene.pathOf(this.#selected.id)?.includes(node)) {
      this.select(null);
    }
  }

  /** Select what is at a place on the view, in pixels from its top left corner. */
  selectAt(x, y) {
    this.select(this.hitAt(x, y)?.object?.id ?? null);
  }

  /** Select what is there and ask for its menu. */
  openMenuAt(x, y) {
    this.selectAt(x, y);
    this.#askForMenu(x, y);
  }

  /** Ask for the menu of what is selected, in its middle. */
  openMenu() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const [x, y] = this.#middleOfSelected() ?? [];
    const seen = x >= 0 && x <= width && y >= 0 && y <= height;
    this.#askForMenu(...(seen ? [x, y] : [width / 2, height / 2]));
  }

  /**
   * What is at a place on the view.
   *
   * @returns {{object: SceneObject|null, point: number[]} | null} the point has the camera's axes.
   */
  hitAt(x, y) {
    const ray = this.#camera.rayThrough(x, y);
    const hit = ray && firstHit(this.#scene.root, ray);
    return (
      hit && {
        object: choose(hit.path, (id) => this.#scene.objectOf(id)),
        point: add(ray.origin, scale(ray.direction, hit.distance)),
      }
    );
  }

  /** The point of the world at a place on the view; a likely one where nothing is there. */
  pointAt(x, y) {
    const ray = this.#camera.rayThrough(x, y);
    return ray && (this.hitAt(x, y)?.point ?? add(ray.origin, scale(ray.direction, this.#camera.guessDistance())));
  }

  #askForMenu(x, y) {
    const { left, top } = this.element.getBoundingClientRect();
    if (this.#camera.pose) {
      this.onmenu?.(this.#selected, { x: left + x, y: top + y });
    }
  }

  #middleOfSelected() {
    const path = this.#selected && this.#scene.pathOf(this.#selected.id);
    const bounds = path && this.#camera.pose && boundsOf(path.at(-1));
    if (!bounds) {
      return null;
    }
    const seen = fromCamera(this.#camera.pose, ballAround(bounds, matrixOf(path)).center);
    return seen[2] < 0 ? onView(this.#camera.lens, seen) : null;
  }

  /** With the frame in which X_ITE draws what has just changed. */
  #redraw() {
    if (this.#selected || this.#highlight.shown) {
      this.#frame ??= requestAnimationFrame(() => {
        this.#frame = null;
        this.#mark();
      });
    }
  }

  #mark() {
    const path = this.#selected && this.#scene.pathOf(this.#selected.id);
    const bounds = path && this.#camera.pose && boundsOf(path.at(-1));
    if (bounds) {
      this.#highlight.show(outline(bounds, matrixOf(path), this.#camera.pose, this.#camera.lens));
    } else {
      this.#highlight.hide();
    }
  }
}

// The camera that a visitor moves: it sets the scene's viewpoint, and goes along with an object that it follows.
import { ballAround } from "./bounds.js";
import { boundsOf, matrixOf } from "./nodes.js";
import { axisAngle, quaternion } from "./rotation.js";
import { add, scale, subtract } from "./vector.js";
import { ahead, faceBall, fromCamera, guessDistance, orbit, pan, rayThrough, zoom } from "./viewing.js";

/** A scene's camera; there is nothing to move until `show` was called. */
export class Camera {
  #scene;
  #element;
  #viewpoint = null;
  #X3D = null;
  #pose = null;
  #home = null;
  #followedAtStart = null;
  #followed = null;
  #anchor = null;
  #pivot = null;
  #listeners = new Set();

  /**
   * @param {import("./scene.js").Scene} scene
   * @param {HTMLElement} element the view; its size counts.
   */
  constructor(scene, element) {
    this.#scene = scene;
    this.#element = element;
    scene.onframe(() => this.#goAlong());
  }

  /**
   * A scene is shown: its viewpoint is the one that this camera sets.
   *
   * @param {object} viewpoint X_ITE's node.
   * @param {string|null} followed id of the object that is followed from the start.
   * @param {object} X3D X_ITE, for its types.
   */
  show(viewpoint, followed, X3D) {
    const { x, y, z } = viewpoint.position;
    const { x: ax, y: ay, z: az, angle } = viewpoint.orientation;
    this.#X3D = X3D;
    this.#viewpoint = viewpoint;
    this.#home = this.#pose = { position: [x, y, z], orientation: quaternion([ax, ay, az, angle]) };
    this.#followedAtStart = followed;
    this.#pivot = null;
    this.follow(followed);
  }

  /** The scene is gone. */
  clear() {
    this.#viewpoint = this.#pose = this.#home = this.#pivot = null;
    this.follow(null);
  }

  /** Go back to where the world's author put the camera, and follow what it follows there. */
  reset() {
    if (this.#viewpoint) {
      // What was reset may still be on its way to its first place.
      this.#scene.settle();
      this.follow(this.#followedAtStart);
      this.#pivot = null;
      this.#set(this.#home);
    }
  }

  /** Keep the distance to an object as it moves. @param {string|null} id such as `n70`; null: stay. */
  follow(id) {
    this.#followed = id;
    this.#anchor = this.#objectPlace();
  }

  /** A node is taken away. @param {object} node of X_ITE. */
  lose(node) {
    if (this.#followed && this.#scene.pathOf(this.#followed)?.includes(node)) {
      this.follow(null);
    }
  }

  /** The id of the object that is followed, or null. */
  get followed() {
    return this.#followed;
  }

  /** Where the camera is, or null; with what is needed to know where something is on the view. */
  get pose() {
    return this.#pose;
  }

  get lens() {
    const { clientWidth: width, clientHeight: height } = this.#element;
    return { fieldOfView: this.#viewpoint.fieldOfView, width, height };
  }

  /** Hear of each move. @param {() => void} listener @returns {() => void} ends it. */
  onmove(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The ray through a place on the view, in pixels from its top left corner; null where there is no scene. */
  rayThrough(x, y) {
    return this.#pose && rayThrough(this.#pose, this.lens, x, y);
  }

  /** Go round this point from now on. @param {number[]|null} point null: whatever is in the middle of the view. */
  grab(point) {
    this.#pivot = this.#objectPlace() ?? point;
  }

  /** @param {number} across pixels of a pointer that drags the world to the right. @param {number} down to the bottom. */
  orbit(across, down) {
    if (this.#pose) {
      const perPixel = Math.PI / Math.max(200, this.lens.height);
      this.#set(orbit(this.#pose, this.#middle(), -across * perPixel, -down * perPixel));
    }
  }

  /** @param {number} across pixels by which the world goes to the right. @param {number} down to the bottom. */
  pan(across, down) {
    if (this.#pose) {
      const distance = Math.max(0.01, -fromCamera(this.#pose, this.#middle())[2]);
      const moved = pan(this.#pose, this.lens, distance, across, down);
      this.#pivot = add(this.#pivot, subtract(moved.position, this.#pose.position));
      this.#set(moved);
    }
  }

  /** @param {number} factor of the distance. @param {number[]|null} point which stays where it is on the view. */
  zoom(factor, point = null) {
    if (this.#pose) {
      this.#set(zoom(this.#pose, this.#objectPlace() ?? point ?? this.#middle(), factor));
    }
  }

  /** Come near an object. @param {string} id */
  lookAt(id) {
    const path = this.#scene.pathOf(id);
    const bounds = path && this.#pose && boundsOf(path.at(-1));
    if (bounds) {
      const { center, radius } = ballAround(bounds, matrixOf(path));
      this.#pivot = center;
      this.#set(faceBall(this.#pose, this.lens, center, radius));
    }
  }

  /** How far along a ray something is that nothing is known of. */
  guessDistance() {
    return guessDistance(this.#pose);
  }

  #middle() {
    this.#pivot ??= add(this.#pose.position, scale(ahead(this.#pose), this.guessDistance()));
    return this.#pivot;
  }

  #objectPlace() {
    const path = this.#followed && this.#scene.pathOf(this.#followed);
    return path ? matrixOf(path).slice(12, 15) : null;
  }

  #goAlong() {
    const place = this.#pose && this.#objectPlace();
    if (!place) {
      return;
    }
    const step = this.#anchor ? subtract(place, this.#anchor) : [0, 0, 0];
    this.#anchor = place;
    if (step.some((part) => part !== 0)) {
      this.#pivot &&= add(this.#pivot, step);
      this.#set({ ...this.#pose, position: add(this.#pose.position, step) });
    }
  }

  #set(pose) {
    if (![...pose.position, ...pose.orientation].every(Number.isFinite)) {
      return;
    }
    this.#pose = pose;
    this.#viewpoint.position = new this.#X3D.SFVec3f(...pose.position);
    this.#viewpoint.orientation = new this.#X3D.SFRotation(...axisAngle(pose.orientation));
    this.#listeners.forEach((listener) => listener());
  }
}

// The 3D scene on the page: X_ITE, the lookup from Webots' ids to its nodes, and the changes made to them.
import { bind } from "./binding.js";
import { Camera } from "./camera.js";
import { Dialect, WORLD } from "./dialect.js";
import { canDraw, loadEngine, makeCanvas, takePicture } from "./engine.js";
import { Failure } from "../failure.js";
import { Files } from "./files.js";
import { labelImage } from "./label.js";
import { Labels } from "./labels.js";
import { bringMeshes } from "./meshes.js";
import { Picker } from "./picking.js";
import { Presence } from "./presence.js";
import { Quality } from "./quality.js";
import { httpForm } from "../simulation/session.js";
import { State } from "./state.js";
import { Surface } from "./surface.js";
import { Textures } from "./textures.js";
import { parseXml } from "./xml.js";

export { canDraw };

const NO_WORLD = { title: "", info: "", window: "" };

/** One drawing area; `show` may be called again and again, for one world after another. */
export class Scene {
  /** Which axis of the world is up: `ENU` (z) or `NUE` (y). */
  up = "NUE";
  /** The world's `{title, info, window}`. */
  worldInfo = NO_WORLD;
  /** Called with how many textures are there or given up, and how many there are to be. */
  ontextures = null;

  #element;
  #X3D = null;
  #canvas = null;
  #quality = null;
  #dialect = null;
  #nodes = new Map();
  #files = new Files();
  #textures = new Textures(this.#files, (name, field, url) => this.#showPicture(name, field, url));
  #base = "";
  #state = new State((id) => this.#bind(`n${id}`));
  #labels = new Labels();
  #presence;
  #frame = null;
  #frameListeners = new Set();
  #turn = 0;

  /** @param {HTMLElement} element the drawing area fills it. */
  constructor(element) {
    this.#element = element;
    this.camera = new Camera(this, element);
    this.picker = new Picker(this, this.camera);
    this.surface = new Surface(this.camera, this.picker);
    element.append(this.#labels.element, this.surface.element);
    this.#presence = new Presence(element, (seen) => seen && this.#plan());
    this.#textures.onprogress = (loaded, total) => this.ontextures?.(loaded, total);
  }

  /** Have the engine ready by the time the first scene comes; what goes wrong is told by `show`, which meets it again. */
  async prepare() {
    try {
      await this.#prepare();
    } catch (error) {
      console.warn(`webots: ${error.message}`);
    }
  }

  /**
   * Show a scene in place of the one before.
   *
   * @param {string} x3d what came with `model:`.
   * @param {string|null} streamUrl where Webots serves its textures, in the WebSocket form.
   * @returns {Promise<{standIn: boolean} | null>} settled when the scene is drawn, perhaps without some of its
   *   textures; null where it was cleared meanwhile.
   * @throws {Failure} where it cannot be shown.
   */
  async show(x3d, streamUrl) {
    const turn = ++this.#turn;
    await this.#prepare();
    try {
      const dialect = new Dialect(labelImage);
      const adapted = dialect.scene(parseXml(x3d));
      const scene = await this.#canvas?.browser.createX3DFromString(adapted.xml);
      if (turn !== this.#turn) {
        return null;
      }
      await this.#canvas.browser.replaceWorld(scene);
      if (turn !== this.#turn) {
        return null;
      }
      this.#base = streamUrl ? httpForm(streamUrl) : "";
      this.#dialect = dialect;
      this.up = adapted.up;
      this.worldInfo = adapted.worldInfo;
      this.#take(scene);
      this.#apply();
      this.camera.show(this.#nodes.get("viewpoint"), adapted.followed, this.#X3D);
      return adapted;
    } catch (error) {
      if (turn !== this.#turn) {
        return null;
      }
      throw new Failure(`The scene cannot be shown: ${error.message}.`);
    }
  }

  /** Take the scene away; the drawing area stays for the next one, and so do the textures that came by themselves. */
  clear() {
    this.#turn++;
    cancelAnimationFrame(this.#frame);
    this.#frame = null;
    this.picker.select(null);
    this.camera.clear();
    this.#dialect = null;
    this.worldInfo = NO_WORLD;
    this.#nodes.clear();
    this.#state.clear();
    this.#labels.clear();
    this.#files.abort();
    this.#textures.clear();
    this.#canvas?.browser.replaceWorld(null).catch(() => {
      // Another one has already taken its place.
    });
  }

  /** Take the scene and its textures away: the next one comes from elsewhere. */
  forget() {
    this.clear();
    this.#textures.forget();
  }

  /** Give the drawing area and its WebGL context back. */
  dispose() {
    this.forget();
    this.#presence.dispose();
    this.#quality?.dispose();
    this.#quality = null;
    this.#canvas?.browser.dispose();
    this.#canvas?.remove();
    this.#canvas = null;
  }

  /**
   * Take over a state; it is drawn with the next frame that anybody can see, and only the newest of each field.
   *
   * @param {{poses: object[], labels: object[]}} state each perhaps absent.
   */
  update({ poses, labels }) {
    if (poses) {
      this.#state.take(poses);
    }
    labels?.forEach((label) => this.#labels.take(label));
    this.#plan();
  }

  /** Have what waits for the next frame take its place at once. */
  settle() {
    if (this.#dialect) {
      cancelAnimationFrame(this.#frame);
      this.#apply();
    }
  }

  /** A label that came by itself (`label...`): `{id, text, font, color, size, x, y}`. */
  setLabel(label) {
    this.#labels.take(label);
    this.#plan();
  }

  /**
   * Hear of each frame in which something of the world has moved, once it is at its new place.
   *
   * @param {() => void} listener called without arguments.
   * @returns {() => void} ends it.
   */
  onframe(listener) {
    this.#frameListeners.add(listener);
    return () => this.#frameListeners.delete(listener);
  }

  /** The X_ITE node of an id like `n70`, also where it repeats another; null for none. */
  nodeOf(id) {
    return this.#nodes.get(this.#dialect?.resolve(id)) ?? null;
  }

  /** The id of an X_ITE node, or null where it has none of Webots'. */
  idOf(node) {
    const name = (node?.getValue?.() ?? node)?.getName?.();
    return this.#nodes.has(name) && this.#dialect?.resolve(name) === name ? name : null;
  }

  /** The X_ITE node that holds the world. */
  get root() {
    return this.#nodes.get(WORLD);
  }

  /**
   * The nodes in which a node is, from the one that holds the world to itself.
   *
   * @param {string} id such as `n70`.
   * @returns {object[] | null} null where it is not shown.
   */
  pathOf(id) {
    const node = this.nodeOf(id);
    const parent = node && this.#dialect.parentOf(id);
    const before = parent === WORLD ? [this.root] : parent && this.pathOf(parent);
    return before ? [...before, node] : null;
  }

  /** What the document says of a node, as it wrote it. @param {string} id such as `n70`. */
  attributesOf(id) {
    return this.#dialect?.attributesOf(id) ?? {};
  }

  /** The robots of the scene, each as `objectOf` has it. */
  get robots() {
    return this.#dialect?.robots ?? [];
  }

  /** The nearest named robot, solid or device around a node: `{id, name, type, controller, window}`, or null. */
  objectOf(id) {
    return this.#dialect?.objectOf(id) ?? null;
  }

  /** What is drawn now, as a data URL of a JPEG of so many pixels; null where nothing is. */
  async picture(width, height) {
    return this.#dialect ? takePicture(this.#canvas.browser, width, height) : null;
  }

  /** A texture that came by itself (`image[URL]:`). */
  addImage(url, data) {
    this.#textures.addImage(url, data);
  }

  /** A node that was added to a running simulation (`node:PARENT:X3D`). */
  async addNode(parent, x3d) {
    if (!this.#dialect) {
      return;
    }
    const turn = this.#turn;
    const { xml } = this.#dialect.addition(parseXml(x3d), `n${parent}`);
    const added = await this.#canvas.browser.createX3DFromString(xml);
    if (turn !== this.#turn) {
      return;
    }
    const holder = this.nodeOf(`n${parent}`) ?? this.#nodes.get(WORLD);
    for (const node of [...added.rootNodes]) {
      // It may have been deleted meanwhile.
      if (!node.getNodeName() || this.#dialect.resolve(node.getNodeName())) {
        holder.children.push(node);
      }
    }
    this.#take(added);
  }

  /** A node that is gone (`delete:ID`). */
  deleteNode(id) {
    const node = this.nodeOf(`n${id}`);
    const holder = this.nodeOf(this.#dialect?.parentOf(`n${id}`)) ?? this.#nodes.get(WORLD);
    if (node && holder?.children) {
      this.camera.lose(node);
      this.picker.lose(node);
      holder.children = holder.children.filter((child) => child !== node);
    }
    const names = this.#dialect?.forget(`n${id}`) ?? [];
    for (const gone of names) {
      this.#nodes.delete(gone);
      this.#state.forget(gone.slice(1));
    }
    this.#textures.drop(new Set(names));
  }

  /** Show or hide a node (`visibility:ID:0/1`). */
  setVisible(id, visible) {
    const node = this.nodeOf(`n${id}`);
    if (node && "visible" in node) {
      node.visible = visible;
    }
  }

  async #prepare() {
    if (!this.#canvas) {
      this.#X3D = await loadEngine();
      this.#canvas ??= makeCanvas(this.#element);
      this.#quality ??= new Quality(this.#canvas.browser);
    }
  }

  /** Have what is new shown with the next frame, where there is a scene and somebody can see it. */
  #plan() {
    if (this.#frame === null && this.#dialect && this.#presence.seen && (this.#state.waiting || this.#labels.waiting)) {
      this.#frame = requestAnimationFrame(() => this.#apply());
    }
  }

  #apply() {
    this.#frame = null;
    this.#labels.apply();
    this.#state.apply();
    this.#frameListeners.forEach((listener) => listener());
  }

  #bind(id) {
    const node = this.nodeOf(id);
    return node && bind(node, this.#X3D);
  }

  /** The nodes of a scene, what has to be fetched for it, and what was left out of it. */
  #take(scene) {
    // The scene's own lookup would not take nodes of another scene, which added ones remain.
    for (const node of [...scene.namedNodes]) {
      this.#nodes.set(node.getNodeName(), node);
    }
    const { pictures, meshes } = this.#dialect.takeFiles();
    this.#textures.want(pictures, this.#base);
    bringMeshes(meshes, this.#base, this.#files, (name, triangles) => this.#showMesh(name, triangles));
    const unknown = this.#dialect.takeUnknown();
    if (unknown.length) {
      console.warn(`webots: not shown, unknown: ${unknown.join(", ").slice(0, 1000)}`);
    }
  }

  #showPicture(name, field, url) {
    const node = this.#nodes.get(name);
    if (node) {
      node[field] = new this.#X3D.MFString(url);
    }
  }

  #showMesh(name, { points, normals, texture }) {
    const node = this.#nodes.get(name);
    if (node) {
      node.coord.point = points;
      fill(node, "normal", "vector", normals);
      fill(node, "texCoord", "point", texture);
    }
  }
}

/** Give a part of a geometry its numbers, or take it away where there are none. */
function fill(geometry, part, field, numbers) {
  if (numbers) {
    geometry[part][field] = numbers;
  } else {
    geometry[part] = null;
  }
}

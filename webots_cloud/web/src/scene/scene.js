// The 3D scene on the page: X_ITE, the lookup from Webots' ids to its nodes, and the changes made to them.
import { Camera } from "./camera.js";
import { toLinear } from "./color.js";
import { Dialect, WORLD } from "./dialect.js";
import { Failure } from "../failure.js";
import { labelImage } from "./label.js";
import { Picker } from "./picking.js";
import { readNumbers } from "./rotation.js";
import { Surface } from "./surface.js";
import { httpForm } from "../simulation/session.js";
import { parseXml } from "./xml.js";

/** Beside this script, put there by the build. */
const X_ITE_URL = new URL("x_ite/x_ite.min.mjs", import.meta.url).href;

/** The fields that a state may change: how many numbers, and the type X_ITE gives them. */
const CHANGING = {
  translation: [3, "SFVec3f"],
  rotation: [4, "SFRotation"],
  scale: [3, "SFVec3f"],
  baseColor: [3, "SFColor"],
  diffuseColor: [3, "SFColor"],
  emissiveColor: [3, "SFColor"],
};

/** Whether this browser can draw 3D at all. */
export function canDraw() {
  return Boolean(document.createElement("canvas").getContext("webgl2"));
}

/** One drawing area; `show` may be called again and again, for one world after another. */
export class Scene {
  /** Which axis of the world is up: `ENU` (z) or `NUE` (y). */
  up = "NUE";

  #element;
  #X3D = null;
  #canvas = null;
  #dialect = null;
  #shown = false;
  #nodes = new Map();
  #images = new Map();
  #textureBase = "";
  #poses = new Map();
  #frame = null;
  #frameListeners = new Set();
  #turn = 0;

  /** @param {HTMLElement} element the drawing area fills it. */
  constructor(element) {
    this.#element = element;
    this.camera = new Camera(this, element);
    this.picker = new Picker(this, this.camera);
    this.surface = new Surface(this.camera, this.picker);
    element.append(this.surface.element);
  }

  /**
   * Show a scene in place of the one before.
   *
   * @param {string} x3d what came with `model:`.
   * @param {string|null} streamUrl where Webots serves its textures, in the WebSocket form.
   * @returns {Promise<{standIn: boolean} | null>} settled when the scene is drawn; null where it was cleared meanwhile.
   * @throws {Failure} where it cannot be shown.
   */
  async show(x3d, streamUrl) {
    this.#textureBase = streamUrl ? httpForm(streamUrl) : "";
    const turn = ++this.#turn;
    await this.#prepare();
    try {
      const dialect = new Dialect((url) => this.#textureUrl(url), labelImage);
      const adapted = dialect.scene(parseXml(x3d));
      const scene = await this.#canvas.browser.createX3DFromString(adapted.xml);
      if (turn !== this.#turn) {
        return null;
      }
      await this.#canvas.browser.replaceWorld(scene);
      if (turn !== this.#turn) {
        return null;
      }
      this.#dialect = dialect;
      this.up = adapted.up;
      this.#shown = true;
      this.#remember(scene);
      this.#warn();
      this.#applyPoses();
      this.camera.show(this.#nodes.get("viewpoint"), adapted.followed, this.#X3D);
      return adapted;
    } catch (error) {
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
    this.#shown = false;
    this.#nodes.clear();
    this.#poses.clear();
    this.#canvas?.browser.replaceWorld(null);
  }

  /** Take the scene and its textures away: the next one comes from elsewhere. */
  forget() {
    this.clear();
    this.#images.clear();
  }

  /** Give the drawing area and its WebGL context back. */
  dispose() {
    this.forget();
    this.#canvas?.browser.dispose();
    this.#canvas?.remove();
    this.#canvas = null;
  }

  /** Take over changed fields; drawn with the next frame, and only the newest of each. */
  update(poses) {
    for (const pose of poses) {
      const id = `n${pose?.id}`;
      this.#poses.set(id, { ...this.#poses.get(id), ...pose });
    }
    this.#frame ??= this.#shown ? requestAnimationFrame(() => this.#applyPoses()) : null;
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
    return this.#nodes.has(name) && name !== WORLD ? name : null;
  }

  /** What the document says of a node, as it wrote it. @param {string} id such as `n70`. */
  attributesOf(id) {
    return this.#dialect?.attributesOf(id) ?? {};
  }

  /** The robots, in the order of the document: see `objectOf`. */
  get robots() {
    return this.#dialect?.robots ?? [];
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

  /**
   * The nearest object at or around a node.
   *
   * @param {string} id such as `n70`.
   * @returns {{id: string, name: string, type: string, controller: string, window: string} | null}
   */
  objectOf(id) {
    return this.#dialect?.objectOf(id) ?? null;
  }

  /** A texture that came by itself (`image[URL]:`). */
  addImage(url, data) {
    this.#images.set(url, data);
    for (const id of this.#dialect?.texturesOf(url) ?? []) {
      const node = this.nodeOf(id);
      if (node) {
        node.url = new this.#X3D.MFString(data);
      }
    }
  }

  /** A node that was added to a running simulation (`node:PARENT:X3D`). */
  async addNode(parent, x3d) {
    if (!this.#shown) {
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
      holder.children.push(node);
    }
    this.#remember(added);
    this.#warn();
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
  }

  /** Show or hide a node (`visibility:ID:0/1`). */
  setVisible(id, visible) {
    const node = this.nodeOf(`n${id}`);
    if (node && "visible" in node) {
      node.visible = visible;
    }
  }

  async #prepare() {
    if (this.#canvas) {
      return;
    }
    try {
      this.#X3D = (await import(X_ITE_URL)).default;
    } catch {
      throw new Failure("The 3D engine could not be loaded from this website.");
    }
    const canvas = document.createElement("x3d-canvas");
    for (const option of ["contextMenu", "notifications", "splashScreen"]) {
      canvas.setAttribute(option, "false");
    }
    canvas.setAttribute("antialiased", "true");
    canvas.className = "webots-canvas";
    // The layer over it hears what it would, and does more with it.
    canvas.inert = true;
    this.#element.prepend(canvas);
    // Otherwise what is round has sixteen sides.
    canvas.browser.setBrowserOption("PrimitiveQuality", "HIGH");
    this.#canvas = canvas;
  }

  #applyPoses() {
    this.#frame = null;
    for (const [id, pose] of this.#poses) {
      this.#change(this.nodeOf(id), pose);
    }
    this.#poses.clear();
    this.#frameListeners.forEach((listener) => listener());
  }

  #change(node, pose) {
    for (const [field, [count, type]] of Object.entries(CHANGING)) {
      const numbers = field in pose && readNumbers(pose[field], count);
      // Webots knows an appearance by one id; X3D keeps its colours one node further down.
      const owner = node && field in node ? node : node?.material;
      if (numbers && owner && field in owner) {
        const physical = owner.getNodeTypeName() === "PhysicalMaterial";
        owner[field] = new this.#X3D[type](...(physical ? toLinear(numbers) : numbers));
      }
    }
  }

  /** The scene's own lookup would not take nodes of another scene, which added ones remain. */
  #remember(scene) {
    for (const node of [...scene.namedNodes]) {
      this.#nodes.set(node.getNodeName(), node);
    }
  }

  #textureUrl(url) {
    if (this.#images.has(url)) {
      return this.#images.get(url);
    }
    if (/^data:image\//i.test(url) || /^https?:\/\//i.test(url)) {
      return url;
    }
    return /^[a-z][a-z0-9+.-]*:/i.test(url) || !this.#textureBase
      ? null
      : `${this.#textureBase}/${encodeURI(url.replace(/^\/+/, ""))}`;
  }

  #warn() {
    const unknown = this.#dialect.takeUnknown();
    if (unknown.length) {
      console.warn(`webots: not shown, unknown: ${unknown.join(", ")}`);
    }
  }
}

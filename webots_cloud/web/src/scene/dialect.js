// From the X3D that Webots sends (docs/protocol.md section 5) to standard X3D, as X_ITE reads it. No DOM and no I/O.
import { toLinear } from "./color.js";
import { capsule, elevationGrid, mesh, plane, sign } from "./geometry.js";
import { document, fields, pick, readStrings, readUrls, tag } from "./markup.js";
import { describe, describeWorld } from "./objects.js";
import { ENU_TO_Y_UP, readNumbers } from "./rotation.js";
import { background, navigation, skyPictures, viewpoint } from "./surroundings.js";

/** Name of the Transform that holds the world and turns its axes to X3D's. */
export const WORLD = "world";

const LONGEST_LABEL = 80; // characters
const MOST_ELEMENTS = 300_000;
const MOST_FILES = 5000;
const DEEPEST = 250;
const MOST_SHADOWS = 4; // lights; each draws the scene once more

/** Elements that place their children; Webots writes devices and joints as these, under several names. */
const PLACES = new Set(
  `Transform Robot Solid Pose Group HingeJoint Hinge2Joint BallJoint SliderJoint Slot Billboard Accelerometer Altimeter
   Camera Charger Compass Connector Display DistanceSensor Emitter GPS Gyro InertialUnit LED Lidar LightSensor Pen
   Propeller Radar RangeFinder Receiver Speaker TouchSensor Track TrackWheel VacuumGripper`.split(/\s+/),
);

/** Elements that are known and show nothing here; a `Switch` holds what Webots collides with. */
const UNSHOWN = new Set(
  "WorldInfo NavigationInfo Viewpoint Background Switch head meta Physics Damping ContactProperties".split(" "),
);

/** Nodes that mean the same in both, each with the fields that are kept. */
const SAME = {
  Box: "size",
  Sphere: "radius",
  IndexedFaceSet: "coordIndex texCoordIndex normalIndex colorIndex ccw convex solid creaseAngle normalPerVertex",
  IndexedLineSet: "coordIndex colorIndex colorPerVertex",
  IndexedTriangleSet: "index ccw solid normalPerVertex",
  PointSet: "",
  Extrusion: "crossSection spine scale orientation beginCap endCap ccw convex solid creaseAngle",
  Coordinate: "point",
  TextureCoordinate: "point",
  Normal: "vector",
  Color: "color",
  Material: "ambientIntensity diffuseColor emissiveColor shininess specularColor transparency",
  TextureTransform: "center rotation scale translation",
  Fog: "color fogType visibilityRange",
  DirectionalLight: "ambientIntensity color direction intensity on",
  PointLight: "ambientIntensity attenuation color intensity location on radius",
  SpotLight: "ambientIntensity attenuation beamWidth color cutOffAngle direction intensity location on radius",
};
const LIGHTS = new Set(["DirectionalLight", "PointLight", "SpotLight"]);
const APPEARANCES = new Set(["Appearance", "PBRAppearance"]);

/** Whose colours a state may change for each use by itself: these are written anew where they are repeated. */
const COLORED = new Set(["Appearance", "PBRAppearance", "Material"]);

/** Shapes whose axis is z in ENU worlds and y in X3D. */
const ALONG_Z = new Set(["Cylinder", "Cone", "Capsule", "ElevationGrid"]);

const PBR_TEXTURES = {
  baseColor: "baseTexture",
  normal: "normalTexture",
  occlusion: "occlusionTexture",
  emissiveColor: "emissiveTexture",
};

/**
 * @typedef {object} Scene
 * @property {string} xml a standard X3D document.
 * @property {{title: string, info: string, window: string}} worldInfo of the world, each perhaps empty.
 * @property {boolean} standIn whether it comes from the stand-in simulator.
 * @property {string} up `ENU` or `NUE`.
 * @property {string|null} followed id of the object that the viewpoint follows.
 *
 * @typedef {object} Picture
 * @property {string} name of the node that shows it.
 * @property {string} field of the node: it takes a URL.
 * @property {string[]} urls where it is, one after the other.
 * @property {{roughness: string[], metalness: string[]}} [maps] instead of `urls`: pictures to put together.
 *
 * @typedef {object} Mesh
 * @property {string} name of the node, a triangle set that has no triangles yet.
 * @property {string[]} urls where the file is.
 * @property {string} part name of the part of the file that is shown; empty: all.
 * @property {number} material index of the material of that part; negative: all.
 */

/** Adapts one scene, and later the nodes that are added to it. Ids are `n70`, as in the document. */
export class Dialect {
  #labelImage;
  #up = "NUE";
  #definitions = new Map();
  #names = new Map();
  #used = new Map();
  #parents = new Map();
  #objects = new Map();
  #pictures = [];
  #meshes = [];
  #sources = new Map();
  #unknown = new Set();
  #here = new Set();
  #elements = 0;
  #made = new Map();
  #count = 0;
  #shadows = 0;
  #someCast = false;
  #copying = false;

  /** @param {(text: string) => {url: string, aspect: number}} labelImage draws a line of text; width by height. */
  constructor(labelImage) {
    this.#labelImage = labelImage;
  }

  /**
   * The whole scene.
   *
   * @param {object} root the tree of a `model:` message.
   * @returns {Scene}
   * @throws {Error} where it is absurdly large.
   */
  scene(root) {
    const nodes = sceneNodes(root);
    const attributesOf = (wanted) => nodes.find(({ name }) => name === wanted)?.attributes;
    const worldInfo = attributesOf("WorldInfo") ?? {};
    const sky = attributesOf("Background");
    this.#up = worldInfo.coordinateSystem === "ENU" ? "ENU" : "NUE";
    this.#someCast = somewhere(nodes, ({ name, attributes }) => name === "Shape" && attributes.castShadows === "true");
    const inside = this.#children(nodes, WORLD);
    this.#pictures.push(...skyPictures(sky ?? {}));
    const turn = this.#up === "ENU" ? ENU_TO_Y_UP.join(" ") : "0 1 0 0";
    const outside = (sky ? background(sky, this.#up) : "") + viewpoint(attributesOf("Viewpoint") ?? {}, this.#up);
    const light = navigation(somewhere(nodes, ({ name }) => LIGHTS.has(name)));
    const world = `<Transform DEF="${WORLD}" rotation="${turn}">${inside}</Transform>`;
    return {
      xml: document(outside + light + world),
      worldInfo: describeWorld(worldInfo, readStrings),
      standIn: isStandIn(root, worldInfo),
      up: this.#up,
      followed: followedId(attributesOf("Viewpoint") ?? {}),
    };
  }

  /**
   * A node that is added to the scene.
   *
   * @param {object} root the tree of a `node:` message.
   * @param {string} parent id of the node it goes into.
   * @returns {{xml: string}}
   */
  addition(root, parent) {
    const nodes = /^(x3d|scene)$/i.test(root.name) ? sceneNodes(root) : [root];
    this.#here.clear();
    this.#sources.clear();
    this.#elements = this.#definitions.size;
    return { xml: document(this.#children(nodes, this.resolve(parent) ?? WORLD)) };
  }

  /**
   * A node is gone, with all that is in it.
   *
   * @param {string} id of it.
   * @returns {string[]} the ids that are gone, and the names of what was made for them.
   */
  forget(id) {
    const gone = [];
    const leave = ({ attributes, children }) => {
      if (isId(attributes.id)) {
        gone.push(attributes.id);
      }
      children.forEach(leave);
    };
    leave(this.#definitions.get(id) ?? { attributes: { id }, children: [] });
    for (const map of [this.#definitions, this.#names, this.#used, this.#parents, this.#objects]) {
      gone.forEach((each) => map.delete(each));
    }
    const made = gone.flatMap((each) => this.#made.get(each) ?? []);
    gone.forEach((each) => this.#made.delete(each));
    return [...gone, ...made];
  }

  /** The id under which a node of this id is found: its own, or that of the node it repeats; null for none. */
  resolve(id) {
    const name = this.#names.has(id) ? id : this.#used.get(id);
    return this.#names.has(name) ? name : null;
  }

  /** The id of the node that holds this one, or null. */
  parentOf(id) {
    return this.#parents.get(id) ?? null;
  }

  /** What is known of the nearest named robot, solid or device around this node, or it itself; null for none. */
  objectOf(id) {
    for (let at = id; at !== undefined; at = this.#parents.get(at)) {
      if (this.#objects.has(at)) {
        return this.#objects.get(at);
      }
    }
    return null;
  }

  /** The attributes of a node, or of the one that it repeats, as the document has them. */
  attributesOf(id) {
    return (this.#definitions.get(id) ?? this.#definitions.get(this.#used.get(id)))?.attributes ?? {};
  }

  /** What is known of the robots, in the order of the document. */
  get robots() {
    return [...this.#objects.values()].filter(({ type }) => type === "robot");
  }

  /**
   * What has to be fetched and put into the scene, since this was last asked.
   *
   * @returns {{pictures: Picture[], meshes: Mesh[]}}
   */
  takeFiles() {
    const files = { pictures: this.#pictures, meshes: this.#meshes };
    this.#pictures = [];
    this.#meshes = [];
    return files;
  }

  /** Names of elements that were left out, since this was last asked, because they are not known. */
  takeUnknown() {
    const names = [...this.#unknown];
    this.#unknown.clear();
    return names;
  }

  #children(nodes, parent, depth = 0) {
    return nodes.map((node) => this.#child(node, parent, depth)).join("");
  }

  #child(element, parent, depth) {
    const { id } = element.attributes;
    const adapt = (node, own) => this.#placed(node, own, isId(id) ? id : parent, depth);
    return this.#node(element, parent, depth, adapt);
  }

  /** One element where a child of a grouping node may be; `id` is its own, or that of what it is in. */
  #placed(element, own, id, depth) {
    const { name, attributes, children } = element;
    if (name === "Shape") {
      return this.#shape(element, own, id, depth);
    }
    if (PLACES.has(name)) {
      return this.#place(element, own, id, depth);
    }
    if (LIGHTS.has(name)) {
      return tag(name, `${own + pick(attributes, SAME[name])} global="true"${this.#shadow(attributes)}`);
    }
    if (name === "Fog") {
      return tag(name, own + pick(attributes, SAME.Fog));
    }
    children.forEach((child) => this.#keep(child));
    return this.#leaveOut(name);
  }

  #place(element, own, id, depth) {
    const { attributes, children } = element;
    const object = this.#copying ? null : describe(element);
    if (object) {
      this.#objects.set(object.id, object);
    }
    const inner =
      attributes.isPropeller === "true"
        ? this.#helices(children, id, depth)
        : this.#children(children, id, depth + 1);
    return tag("Transform", own + placement(attributes) + visibility(attributes), inner);
  }

  /** A propeller holds what it looks like at rest, and what it looks like when it turns quickly. */
  #helices([rest, ...others], id, depth) {
    const hidden = tag("Transform", ' visible="false"', this.#children(others, id, depth + 1));
    return rest ? this.#children([rest], id, depth + 1) + hidden : "";
  }

  #shadow({ castShadows }) {
    return castShadows === "true" && ++this.#shadows <= MOST_SHADOWS ? ' shadows="true" shadowIntensity="0.6"' : "";
  }

  #shape({ attributes, children }, own, id, depth) {
    const drawn = children.find(({ name }) => name === "PBRAppearance") ?? children.find(isAppearance);
    const geometry = children.find((child) => child !== drawn && !isAppearance(child));
    if (geometry?.name === "Text") {
      const text = readStrings(geometry.attributes.string).join(" ").slice(0, LONGEST_LABEL);
      return sign(this.#labelImage(text), geometry.attributes, own);
    }
    children.filter((child) => child !== drawn && child !== geometry).forEach((child) => this.#keep(child));
    const part = (child) => (child ? this.#part(child, id, depth) : "");
    const inner = part(drawn) + part(geometry);
    const flags = visibility(attributes) + this.#shapeFlags(attributes);
    const kind = geometry && this.#original(geometry).name;
    if (this.#up !== "ENU" || !ALONG_Z.has(kind)) {
      return tag("Shape", own + flags, inner);
    }
    const turned = `${own} rotation="1 0 0 ${Math.PI / 2}"${visibility(attributes)}`;
    return tag("Transform", turned, tag("Shape", this.#shapeFlags(attributes), inner));
  }

  /** Where one shape of a scene says that it casts shadows, those that do not say so cast none. */
  #shapeFlags({ castShadows, isPickable }) {
    const casts = this.#someCast ? castShadows === "true" : castShadows !== "false";
    return (casts ? "" : ' castShadow="false"') + (isPickable === "false" ? ' pointerEvents="false"' : "");
  }

  /** One element inside a shape: an appearance, a geometry, or a part of these. */
  #part(element, parent, depth, field = "") {
    const container = field && ` containerField="${field}"`;
    const id = isId(element.attributes.id) ? element.attributes.id : parent;
    const adapt = (node, own) => this.#partOf(node, own + container, id, depth);
    return this.#node(element, parent, depth, adapt, container);
  }

  #partOf(element, own, id, depth) {
    const { name, attributes, children } = element;
    const inner = () => children.map((child) => this.#part(child, id, depth + 1)).join("");
    if (name === "PBRAppearance") {
      return this.#pbrAppearance(element, own, id, depth);
    }
    if (name === "Appearance") {
      return tag(name, own, inner());
    }
    if (name === "ImageTexture") {
      return this.#picture({ urls: readUrls(attributes.url) }, attributes, own, id);
    }
    if (name === "Mesh") {
      return this.#mesh(attributes, own, id);
    }
    if (name === "Cylinder" || name === "Cone") {
      return tag(name, own + pick(attributes, "height radius bottomRadius bottom top side"));
    }
    const made = { Plane: plane, Capsule: capsule, ElevationGrid: elevationGrid }[name];
    if (made) {
      return made(attributes, own, this.#up, inner);
    }
    return name in SAME && !LIGHTS.has(name) && name !== "Fog"
      ? tag(name, own + pick(attributes, SAME[name]), inner())
      : this.#leaveOut(name);
  }

  #pbrAppearance({ attributes, children }, own, id, depth) {
    const number = (name, otherwise) => readNumbers(attributes[name], 1)?.[0] ?? otherwise;
    const color = (name, otherwise) => toLinear(readNumbers(attributes[name], 3) ?? otherwise);
    const emission = color("emissiveColor", [0, 0, 0]).map((part) => part * number("emissiveIntensity", 1));
    const material = fields({
      baseColor: color("baseColor", [1, 1, 1]).join(" "),
      metallic: number("metalness", 1),
      roughness: number("roughness", 0),
      transparency: number("transparency", 0),
      emissiveColor: emission.map((part) => Math.min(part, 1)).join(" "),
      normalScale: number("normalMapFactor", 1),
      occlusionStrength: number("occlusionMapStrength", 1),
    });
    const textures = children.filter(({ name }) => name === "ImageTexture");
    const images = textures.map((texture) => {
      const field = PBR_TEXTURES[texture.attributes.type];
      return field ? this.#part(texture, id, depth + 1, field) : "";
    });
    const transform = children.find(({ name }) => name === "TextureTransform");
    const maps = this.#metallicRoughness(textures, id);
    return tag(
      "Appearance",
      own,
      tag("PhysicalMaterial", material, images.join("") + maps) +
        (transform ? this.#part(transform, id, depth + 1) : ""),
    );
  }

  /** X3D has one texture for roughness (green) and metalness (blue), Webots one for each: they are put together. */
  #metallicRoughness(textures, owner) {
    const of = (type) => {
      const texture = textures.find(({ attributes }) => attributes.type === type);
      return texture ? this.#original(texture) : null;
    };
    const [roughness, metalness] = [of("roughness"), of("metalness")];
    if (!roughness && !metalness) {
      return "";
    }
    const urls = (texture) => (texture ? readUrls(texture.attributes.url) : []);
    const maps = { roughness: urls(roughness), metalness: urls(metalness) };
    const { attributes } = roughness ?? metalness;
    return this.#picture({ maps }, attributes, ' containerField="metallicRoughnessTexture"', owner);
  }

  /** A texture node that gets its picture later; the same picture is in the scene once. */
  #picture(source, attributes, own, owner) {
    const container = / containerField="\w+"/.exec(own)?.[0] ?? "";
    const key = JSON.stringify([source, attributes.repeatS, attributes.repeatT]);
    const before = this.#sources.get(key);
    if (before) {
      if (source.urls && isId(attributes.id) && attributes.id !== before) {
        this.#used.set(attributes.id, before);
      }
      return `<ImageTexture USE="${before}"${container}/>`;
    }
    const name = this.#name(own, owner);
    this.#sources.set(key, name);
    if (this.#pictures.length < MOST_FILES) {
      this.#pictures.push({ name, field: "url", ...source });
    }
    return tag("ImageTexture", ` DEF="${name}"${container}${pick(attributes, "repeatS repeatT")}`);
  }

  #mesh(attributes, own, owner) {
    const name = this.#name(own, owner);
    if (this.#meshes.length < MOST_FILES) {
      this.#meshes.push({
        name,
        urls: readUrls(attributes.url),
        part: attributes.name ?? "",
        material: readNumbers(attributes.materialIndex, 1)?.[0] ?? -1,
      });
    }
    return mesh(attributes, ` DEF="${name}"${own.replace(/ DEF="[^"]+"/, "")}`);
  }

  /** The name that a node has, or a new one where it has none; it goes when its owner goes. */
  #name(own, owner) {
    const defined = / DEF="([^"]+)"/.exec(own)?.[1];
    if (defined) {
      return defined;
    }
    const name = `made${++this.#count}`;
    this.#made.set(owner, [...(this.#made.get(owner) ?? []), name]);
    return name;
  }

  /**
   * What every element has in common: an id of its own, or `USE` of another. `adapt` gets the element and the text of
   * its DEF. A repeated node that is not in the document (it was left out, or came with an earlier one) is copied.
   */
  #node(element, parent, depth, adapt, container = "") {
    const { id, USE } = element.attributes;
    if (++this.#elements > MOST_ELEMENTS || depth > DEEPEST) {
      throw new Error("it is too large");
    }
    if (isId(id) && !this.#copying) {
      this.#parents.set(id, parent);
    }
    if (USE !== undefined) {
      return this.#repeat(element, parent, depth, adapt, container);
    }
    const defines = isId(id) && !this.#copying && !this.#definitions.has(id);
    if (!defines) {
      return adapt(element, "");
    }
    this.#definitions.set(id, element);
    return this.#named(id, adapt(element, ` DEF="${id}"`));
  }

  #named(id, text) {
    const [, name, defined] = /^<(\w+) DEF="([^"]+)"/.exec(text) ?? [];
    if (defined === id) {
      this.#names.set(id, name);
      this.#here.add(id);
    }
    return text;
  }

  #repeat({ attributes: { id, USE: named } }, parent, depth, adapt, container) {
    const USE = this.#definitions.has(named) ? named : this.#used.get(named);
    const original = this.#definitions.get(USE);
    if (!original) {
      return "";
    }
    if (isId(id) && !this.#copying) {
      this.#used.set(id, USE);
    }
    if (isId(id) && COLORED.has(original.name) && !this.#copying && !this.#names.has(id)) {
      return this.#named(id, this.#copy(original, parent, depth, (node) => adapt(node, ` DEF="${id}"`)));
    }
    return this.#here.has(USE)
      ? `<${this.#names.get(USE)} USE="${USE}"${container}/>`
      : this.#copy(original, parent, depth, adapt);
  }

  #copy(original, parent, depth, adapt) {
    const before = this.#copying;
    this.#copying = true;
    try {
      return this.#node(original, parent, depth + 1, adapt);
    } finally {
      this.#copying = before;
    }
  }

  /** Remember what is left out, for those that repeat it. */
  #keep(element) {
    const { id, USE } = element.attributes;
    if (isId(id) && USE === undefined && !this.#definitions.has(id)) {
      this.#definitions.set(id, element);
    }
    element.children.forEach((child) => this.#keep(child));
  }

  #original(element) {
    return this.#definitions.get(element.attributes.USE) ?? element;
  }

  #leaveOut(name) {
    if (!UNSHOWN.has(name)) {
      this.#unknown.add(name.slice(0, LONGEST_LABEL));
    }
    return "";
  }
}

function sceneNodes(root) {
  const scene = /^scene$/i.test(root.name) ? root : root.children.find(({ name }) => /^scene$/i.test(name));
  return (scene ?? root).children;
}

/** The mark of the stand-in: it names itself in a `generator`. */
function isStandIn(root, worldInfo) {
  const scene = root.children.find(({ name }) => /^scene$/i.test(name));
  const head = root.children.find(({ name }) => /^head$/i.test(name));
  const metas = (head?.children ?? []).filter(({ attributes }) => attributes.name === "generator");
  const marks = [root, scene, { attributes: worldInfo }].map((element) => element?.attributes.generator);
  return [...marks, ...metas.map(({ attributes }) => attributes.content)].some((mark) => /stand-?in/i.test(mark ?? ""));
}

/** Written as a number, as in poses. */
function followedId({ followedId: id }) {
  return [id, `n${id}`].find(isId) ?? null;
}

/** Whether an element like this is anywhere among these. */
function somewhere(nodes, like) {
  return nodes.some((node) => like(node) || somewhere(node.children, like));
}

function isAppearance({ name }) {
  return APPEARANCES.has(name);
}

function isId(id) {
  return /^n-?\d+$/.test(id ?? "");
}

/** Where a node is; what is not a number would make it, and all in it, vanish. */
function placement(attributes) {
  const counts = { translation: 3, rotation: 4, scale: 3, center: 3, scaleOrientation: 4 };
  const sound = Object.entries(counts).filter(([name, count]) => readNumbers(attributes[name], count));
  return pick(attributes, sound.map(([name]) => name).join(" "));
}

function visibility({ visible }) {
  return visible === "false" ? ' visible="false"' : "";
}

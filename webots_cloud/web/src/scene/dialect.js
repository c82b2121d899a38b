// From the X3D that Webots sends (docs/protocol.md section 5) to standard X3D, as X_ITE reads it. No DOM and no I/O.
import { toLinear } from "./color.js";
import { capsule, elevationGrid, plane, sign } from "./geometry.js";
import { ENU_TO_Y_UP, readNumbers, viewpointFromEnu } from "./rotation.js";

/** Name of the Transform that holds the world and turns its axes to X3D's. */
export const WORLD = "world";

const LONGEST_LABEL = 80; // characters
const MOST_ELEMENTS = 300_000;
const DEEPEST = 250;

/** What the scenes made here need beyond the profile; X_ITE loads no other component. */
const COMPONENTS = ["CubeMapTexturing", "EnvironmentalEffects", "Geometry3D", "Lighting", "Shape"]
  .map((name) => `<component name="${name}" level="4"/>`)
  .join("");

/** Elements that place their children; Webots writes devices and joints as these, under several names. */
const PLACES = new Set(
  `Transform Robot Solid Pose Group HingeJoint Hinge2Joint BallJoint SliderJoint Slot Billboard Accelerometer Altimeter
   Camera Charger Compass Connector Display DistanceSensor Emitter GPS Gyro InertialUnit LED Lidar LightSensor Pen
   Propeller Radar RangeFinder Receiver Speaker TouchSensor Track TrackWheel VacuumGripper`.split(/\s+/),
);

/** Elements that are known and show nothing here. */
const UNSHOWN = new Set(["WorldInfo", "NavigationInfo", "Viewpoint", "Background", "head", "meta"]);

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
 * @property {string} title of the world, or empty.
 * @property {boolean} standIn whether it comes from the stand-in simulator.
 * @property {string} up `ENU` or `NUE`.
 * @property {string|null} followed id of the object that the viewpoint follows.
 */

/** Adapts one scene, and later the nodes that are added to it. Ids are `n70`, as in the document. */
export class Dialect {
  #textureUrl;
  #labelImage;
  #up = "NUE";
  #definitions = new Map();
  #names = new Map();
  #used = new Map();
  #parents = new Map();
  #objects = new Map();
  #textures = new Map();
  #unknown = new Set();
  #here = new Set();
  #elements = 0;
  #copying = false;

  /**
   * @param {(url: string) => string|null} textureUrl where a texture is found, or null for nowhere.
   * @param {(text: string) => {url: string, aspect: number}} labelImage draws a line of text; aspect is width by height.
   */
  constructor(textureUrl, labelImage) {
    this.#textureUrl = textureUrl;
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
    const worldInfo = nodes.find(({ name }) => name === "WorldInfo")?.attributes ?? {};
    this.#up = worldInfo.coordinateSystem === "ENU" ? "ENU" : "NUE";
    const inside = this.#children(nodes, WORLD);
    const turn = this.#up === "ENU" ? ENU_TO_Y_UP.join(" ") : "0 1 0 0";
    const outside = this.#background(nodes) + this.#viewpoint(nodes) + navigation(hasLight(nodes));
    const world = `<Transform DEF="${WORLD}" rotation="${turn}">${inside}</Transform>`;
    return {
      xml: document(outside + world),
      title: worldInfo.title ?? "",
      standIn: isStandIn(root, worldInfo),
      up: this.#up,
      followed: followedId(nodes),
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
    return { xml: document(this.#children(nodes, this.resolve(parent) ?? WORLD)) };
  }

  /** The id under which a node of this id is found: its own, or that of the node it repeats; null for none. */
  resolve(id) {
    const name = this.#used.get(id) ?? id;
    return this.#names.has(name) ? name : null;
  }

  /** The id of the node that holds this one, or null. */
  parentOf(id) {
    return this.#parents.get(id) ?? null;
  }

  /** The nearest robot or solid at or around a node, as plain data; null for none. */
  objectOf(id) {
    return this.#objects.get(id) ?? (this.#parents.has(id) ? this.objectOf(this.#parents.get(id)) : null);
  }

  /** The attributes of a node, or of the one that it repeats, as the document has them. */
  attributesOf(id) {
    return this.#definitions.get(this.#used.get(id) ?? id)?.attributes ?? {};
  }

  /** The robots among the objects, in the order of the document. */
  get robots() {
    return [...this.#objects.values()].filter(({ type }) => type === "robot");
  }

  /** The ids of the texture nodes that show the texture of this URL. */
  texturesOf(url) {
    return this.#textures.get(url) ?? [];
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
    if (element.attributes.id && !this.#copying) {
      this.#parents.set(element.attributes.id, parent);
    }
    return this.#node(element, depth, (node, own) => this.#placed(node, own, depth));
  }

  /** One element where a child of a grouping node may be. */
  #placed(element, own, depth) {
    const { name, attributes, children } = element;
    if (name === "Shape") {
      return this.#shape(element, own, depth);
    }
    if (PLACES.has(name)) {
      this.#rememberObject(element);
      const inner = this.#children(children, attributes.id ?? WORLD, depth + 1);
      const fields = pick(attributes, "translation rotation scale center scaleOrientation");
      return tag("Transform", own + fields + visibility(attributes), inner);
    }
    if (LIGHTS.has(name)) {
      const shadows = attributes.castShadows === "true" ? ' shadows="true" shadowIntensity="0.6"' : "";
      return tag(name, `${own + pick(attributes, SAME[name])} global="true"${shadows}`);
    }
    if (name === "Fog") {
      return tag(name, own + pick(attributes, SAME.Fog));
    }
    return this.#leaveOut(name);
  }

  #rememberObject({ name: element, attributes: { id, name = "", type, solid, controller = "", window = "" } }) {
    const robot = element === "Robot" || type === "robot";
    if (id && (robot || element === "Solid" || solid === "true")) {
      this.#objects.set(id, { id, name, type: robot ? "robot" : "solid", controller, window });
    }
  }

  #shape({ attributes, children }, own, depth) {
    const drawn = children.find(({ name }) => name === "PBRAppearance") ?? children.find(isAppearance);
    const geometry = children.find((child) => child !== drawn && !isAppearance(child));
    if (geometry?.name === "Text") {
      const text = readStrings(geometry.attributes.string).join(" ").slice(0, LONGEST_LABEL);
      return sign(this.#labelImage(text), geometry.attributes, own);
    }
    children.filter((child) => child !== drawn && child !== geometry).forEach((child) => this.#keep(child));
    const inner = (drawn ? this.#part(drawn, depth) : "") + (geometry ? this.#part(geometry, depth) : "");
    const kind = geometry && this.#original(geometry).name;
    if (this.#up !== "ENU" || !ALONG_Z.has(kind)) {
      return tag("Shape", own + visibility(attributes), inner);
    }
    return tag("Transform", `${own} rotation="1 0 0 ${Math.PI / 2}"${visibility(attributes)}`, tag("Shape", "", inner));
  }

  /** One element inside a shape: an appearance, a geometry, or a part of these. */
  #part(element, depth, field = "") {
    const container = field && ` containerField="${field}"`;
    return this.#node(element, depth, (node, own) => this.#partOf(node, own + container, depth), container);
  }

  #partOf(element, own, depth) {
    const { name, attributes, children } = element;
    const inner = () => children.map((child) => this.#part(child, depth + 1)).join("");
    if (name === "PBRAppearance") {
      return this.#pbrAppearance(element, own, depth);
    }
    if (name === "Appearance") {
      return tag(name, own, inner());
    }
    if (name === "ImageTexture") {
      return this.#texture(element, own);
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

  #pbrAppearance({ attributes, children }, own, depth) {
    const number = (name, otherwise) => readNumbers(attributes[name], 1)?.[0] ?? otherwise;
    const metalness = number("metalness", 1);
    const textures = children.filter(({ name }) => name === "ImageTexture");
    const color = (name, otherwise) => toLinear(readNumbers(attributes[name], 3) ?? otherwise);
    const emission = color("emissiveColor", [0, 0, 0]).map((part) => part * number("emissiveIntensity", 1));
    const fields = {
      baseColor: color("baseColor", [1, 1, 1]).join(" "),
      metallic: metalness,
      roughness: number("roughness", 0),
      transparency: number("transparency", 0),
      emissiveColor: emission.map((part) => Math.min(part, 1)).join(" "),
      normalScale: number("normalMapFactor", 1),
      occlusionStrength: number("occlusionMapStrength", 1),
    };
    const images = textures.map((texture) => {
      const field = PBR_TEXTURES[texture.attributes.type] ?? roughnessField(texture, textures, metalness);
      return field ? this.#part(texture, depth + 1, field) : "";
    });
    const transform = children.find(({ name }) => name === "TextureTransform");
    const material = tag("PhysicalMaterial", pick(fields, Object.keys(fields).join(" ")), images.join(""));
    return tag("Appearance", own, material + (transform ? this.#part(transform, depth + 1) : ""));
  }

  #texture({ attributes }, own) {
    const urls = readUrls(attributes.url);
    if (!this.#copying && attributes.id) {
      urls.forEach((url) => this.#textures.set(url, [...this.texturesOf(url), attributes.id]));
    }
    const found = urls.map((url) => this.#textureUrl(url)).filter(Boolean);
    const url = found.length ? ` url="${escape(found.map((each) => `"${each}"`).join(" "))}"` : "";
    return tag("ImageTexture", own + url + pick(attributes, "repeatS repeatT"));
  }

  /**
   * What every element has in common: an id of its own, or `USE` of another. `adapt` gets the element and the text of
   * its DEF. A repeated node that is not in the document (it was left out, or came with an earlier one) is copied.
   */
  #node(element, depth, adapt, container = "") {
    const { id, USE } = element.attributes;
    if (++this.#elements > MOST_ELEMENTS || depth > DEEPEST) {
      throw new Error("it is too large");
    }
    if (USE !== undefined) {
      return this.#repeat(element, depth, adapt, container);
    }
    const defines = isId(id) && !this.#copying && !this.#definitions.has(id);
    if (!defines) {
      return adapt(element, "");
    }
    this.#definitions.set(id, element);
    const text = adapt(element, ` DEF="${id}"`);
    const name = /^<(\w+) DEF=/.exec(text)?.[1];
    if (name) {
      this.#names.set(id, name);
      this.#here.add(id);
    }
    return text;
  }

  #repeat({ attributes: { id, USE } }, depth, adapt, container) {
    const original = this.#definitions.get(USE);
    if (!original) {
      return "";
    }
    if (isId(id)) {
      this.#used.set(id, USE);
    }
    return this.#here.has(USE)
      ? `<${this.#names.get(USE)} USE="${USE}"${container}/>`
      : this.#copy(original, depth, adapt);
  }

  #copy(original, depth, adapt) {
    const before = this.#copying;
    this.#copying = true;
    try {
      return this.#node(original, depth + 1, adapt);
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

  #viewpoint(nodes) {
    const attributes = nodes.find(({ name }) => name === "Viewpoint")?.attributes ?? {};
    const position = readNumbers(attributes.position, 3) ?? (this.#up === "ENU" ? [-10, 0, 0] : [0, 0, 10]);
    const orientation = readNumbers(attributes.orientation, 4) ?? [0, 0, 1, 0];
    const seen = this.#up === "ENU" ? viewpointFromEnu(position, orientation) : { position, orientation };
    const fields = {
      position: seen.position.join(" "),
      orientation: seen.orientation.join(" "),
      fieldOfView: readNumbers(attributes.fieldOfView, 1)?.[0] ?? Math.PI / 4,
      nearDistance: 0.01,
      farDistance: 10_000,
    };
    return tag("Viewpoint", ` DEF="viewpoint"${pick(fields, Object.keys(fields).join(" "))}`);
  }

  #background(nodes) {
    const background = nodes.find(({ name }) => name === "Background");
    if (!background) {
      return "";
    }
    const sides = ["back", "bottom", "front", "left", "right", "top"].map((side) => `${side}Url`);
    const images = sides.map((side) => {
      const urls = readUrls(background.attributes[side]).map((url) => this.#textureUrl(url)).filter(Boolean);
      return urls.length ? ` ${side}="${escape(urls.map((url) => `"${url}"`).join(" "))}"` : "";
    });
    const { skyColor = "0 0 0", skyAngle } = background.attributes;
    // One colour as several bands: X_ITE draws too coarse a sky for one, and leaves holes.
    const sky = skyAngle
      ? pick(background.attributes, "skyColor skyAngle groundColor groundAngle")
      : ` skyColor="${escape(Array(5).fill(skyColor).join(" "))}" skyAngle="0.6 1.2 1.8 2.4"`;
    return tag("Background", sky + images.join(""));
  }

  #leaveOut(name) {
    if (!UNSHOWN.has(name)) {
      this.#unknown.add(name);
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
function followedId(nodes) {
  const { followedId: id } = nodes.find(({ name }) => name === "Viewpoint")?.attributes ?? {};
  return isId(`n${id}`) ? `n${id}` : isId(id) ? id : null;
}

function hasLight(nodes) {
  return nodes.some(({ name, children }) => LIGHTS.has(name) || hasLight(children));
}

/** No camera control of X_ITE's (see `surface.js`), and the light from all around that physically based materials need to look right. */
function navigation(lit) {
  const sky = ["0xC8D2DC", "0xC8D2DC", "0xE6EEF6", "0x706C66", "0xC8D2DC", "0xC8D2DC"];
  const faces = ["front", "back", "top", "bottom", "left", "right"]
    .map((face, index) => tag("PixelTexture", ` containerField="${face}Texture" image="1 1 3 ${sky[index]}"`))
    .join("");
  const cube = (field) => tag("ComposedCubeMapTexture", ` containerField="${field}"`, faces);
  return (
    tag("NavigationInfo", ` type='"NONE"' headlight="${!lit}" transitionType='"TELEPORT"'`) +
    tag("EnvironmentLight", ' intensity="0.6" global="true"', cube("diffuseTexture") + cube("specularTexture"))
  );
}

function isAppearance({ name }) {
  return name === "Appearance" || name === "PBRAppearance";
}

function isId(id) {
  return /^n-?\d+$/.test(id ?? "");
}

/** X3D has one texture for roughness (green) and metalness (blue); a grey roughness map serves where nothing is metal. */
function roughnessField(texture, textures, metalness) {
  const alone = !textures.some(({ attributes }) => attributes.type === "metalness");
  return texture.attributes.type === "roughness" && alone && metalness === 0 ? "metallicRoughnessTexture" : null;
}

function visibility({ visible }) {
  return visible === "false" ? ' visible="false"' : "";
}

/** The strings of an MFString: each in quotes, with backslashes before quotes; or one without quotes. */
function readStrings(text = "") {
  const quoted = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, inner]) => inner.replace(/\\(.)/g, "$1"));
  return quoted.length ? quoted : [text];
}

function readUrls(text) {
  return readStrings(text)
    .map((url) => url.trim())
    .filter((url) => url && !/["\\]/.test(url));
}

function pick(attributes, names) {
  return names
    .split(" ")
    .filter((name) => name && attributes[name] !== undefined)
    .map((name) => ` ${name}="${escape(String(attributes[name]))}"`)
    .join("");
}

function tag(name, attributes, inner = "") {
  return inner ? `<${name}${attributes}>${inner}</${name}>` : `<${name}${attributes}/>`;
}

function escape(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function document(nodes) {
  return `<X3D profile="Interchange" version="4.0"><head>${COMPONENTS}</head><Scene>${nodes}</Scene></X3D>`;
}

// Collada, as far as the shape of what is in its scene goes.
import { Triangles } from "./triangles.js";

const POLYGONS = new Set(["triangles", "polylist", "polygons"]);
const DEEPEST = 100;
const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

/**
 * Read a file.
 *
 * @param {object} root the tree of it, as `parseXml` has it.
 * @param {{part: string, material: number}} which as `Dialect.takeFiles` has it.
 * @returns {{points: Float32Array, normals: Float32Array|null, texture: Float32Array|null}}
 * @throws {Error} where it is broken or too large.
 */
export function readCollada(root, { part, material }) {
  const all = everything(root);
  const ids = new Map(all.filter(({ attributes }) => attributes.id).map((each) => [each.attributes.id, each]));
  const materials = all.filter(({ name }) => name === "material").map(({ attributes }) => attributes.id);
  const wanted = material < 0 ? null : (materials.toSorted()[material] ?? "");
  const meter = Number(all.find(({ name }) => name === "unit")?.attributes.meter ?? 1) || 1;
  const reader = new Reader(ids, part, wanted);
  const scale = [meter, 0, 0, 0, 0, meter, 0, 0, 0, 0, meter, 0, 0, 0, 0, 1];
  all.filter(({ name }) => name === "visual_scene").forEach((scene) => reader.node(scene, scale, 0));
  return reader.triangles.finish();
}

class Reader {
  triangles = new Triangles();

  #ids;
  #part;
  #material;
  #numbers = new Map();

  constructor(ids, part, material) {
    this.#ids = ids;
    this.#part = part;
    this.#material = material;
  }

  /** A node of the scene, and those in it. */
  node(node, outer, depth) {
    if (depth > DEEPEST) {
      throw new Error("it is nested too deep");
    }
    let matrix = outer;
    for (const child of node.children) {
      matrix = multiply(matrix, transformation(child));
      if (child.name === "node") {
        this.node(child, matrix, depth + 1);
      } else if (child.name === "instance_node") {
        const instance = this.#target(child.attributes.url);
        if (instance) {
          this.node(instance, matrix, depth + 1);
        }
      } else if (child.name === "instance_geometry") {
        this.#geometry(child, matrix);
      }
    }
  }

  #geometry(instance, matrix) {
    const geometry = this.#target(instance.attributes.url);
    const mesh = geometry?.children.find(({ name }) => name === "mesh");
    const { id, name } = geometry?.attributes ?? {};
    if (!mesh || (this.#part && this.#part !== name && this.#part !== id)) {
      return;
    }
    const bound = new Map(
      everything(instance)
        .filter((each) => each.name === "instance_material")
        .map(({ attributes }) => [attributes.symbol, attributes.target?.slice(1)]),
    );
    for (const polygons of mesh.children.filter((child) => POLYGONS.has(child.name))) {
      const { material } = polygons.attributes;
      if (this.#material === null || (bound.get(material) ?? material) === this.#material) {
        this.#polygons(polygons, matrix);
      }
    }
  }

  #polygons(polygons, matrix) {
    const inputs = polygons.children.filter(({ name }) => name === "input").map((input) => this.#input(input));
    const stride = Math.max(0, ...inputs.map(({ offset }) => offset)) + 1;
    const of = (semantic) => inputs.find((input) => input.semantic === semantic);
    const [points, normals, texture] = [of("VERTEX"), of("NORMAL"), of("TEXCOORD")];
    const counts = polygons.children.find(({ name }) => name === "vcount");
    const sizes = counts ? readList(counts.text) : null;
    for (const { text } of polygons.children.filter(({ name }) => name === "p")) {
      const indices = readList(text);
      const each = sizes ?? sizesOf(polygons.name, indices.length / stride);
      let at = 0;
      for (const size of each) {
        const corners = Array.from({ length: size }, (_, corner) => {
          const from = (at + corner) * stride;
          return {
            point: moved(matrix, value(points, indices, from, 3), 1),
            normal: unit(moved(matrix, value(normals, indices, from, 3), 0)),
            texture: value(texture, indices, from, 2),
          };
        });
        this.triangles.addPolygon(corners);
        at += size;
      }
    }
  }

  #input({ attributes }) {
    const { semantic, source, offset = "0" } = attributes;
    const found = this.#target(source);
    const inner = found?.name === "vertices" ? found.children.find(isPosition) : null;
    return { semantic, offset: Number(offset), ...this.#source(inner ? this.#target(inner.attributes.source) : found) };
  }

  #source(source) {
    if (!source) {
      return { numbers: [], stride: 1 };
    }
    const array = source.children.find(({ name }) => name === "float_array");
    const accessor = everything(source).find(({ name }) => name === "accessor");
    if (!this.#numbers.has(source)) {
      this.#numbers.set(source, readList(array?.text ?? ""));
    }
    return { numbers: this.#numbers.get(source), stride: Number(accessor?.attributes.stride ?? 3) };
  }

  #target(url) {
    return this.#ids.get((url ?? "").replace(/^#/, ""));
  }
}

function everything(root) {
  return [root, ...root.children.flatMap(everything)];
}

function isPosition({ attributes }) {
  return attributes.semantic === "POSITION";
}

function readList(text) {
  const trimmed = text.trim();
  return trimmed ? trimmed.split(/\s+/).map(Number) : [];
}

/** How many corners each polygon of a `p` has: three, or all of them. */
function sizesOf(kind, corners) {
  return kind === "triangles" ? Array(Math.floor(corners / 3)).fill(3) : [Math.floor(corners)];
}

function value(input, indices, from, count) {
  if (!input) {
    return null;
  }
  const start = indices[from + input.offset] * input.stride;
  const found = input.numbers.slice(start, start + count);
  return found.length === count ? found : null;
}

function transformation({ name, text }) {
  const numbers = readList(text ?? "");
  if (!numbers.every(Number.isFinite)) {
    return IDENTITY;
  }
  const [x, y, z, angle] = numbers;
  if (name === "matrix" && numbers.length === 16) {
    return numbers;
  }
  if (name === "translate" && numbers.length === 3) {
    return [1, 0, 0, x, 0, 1, 0, y, 0, 0, 1, z, 0, 0, 0, 1];
  }
  if (name === "scale" && numbers.length === 3) {
    return [x, 0, 0, 0, 0, y, 0, 0, 0, 0, z, 0, 0, 0, 0, 1];
  }
  return name === "rotate" && numbers.length === 4 ? rotation(x, y, z, (angle * Math.PI) / 180) : IDENTITY;
}

function rotation(ax, ay, az, angle) {
  const length = Math.hypot(ax, ay, az) || 1;
  const [x, y, z] = [ax / length, ay / length, az / length];
  const [s, c] = [Math.sin(angle), Math.cos(angle)];
  const t = 1 - c;
  return [
    [t * x * x + c, t * x * y - s * z, t * x * z + s * y, 0],
    [t * x * y + s * z, t * y * y + c, t * y * z - s * x, 0],
    [t * x * z - s * y, t * y * z + s * x, t * z * z + c, 0],
    [0, 0, 0, 1],
  ].flat();
}

function multiply(a, b) {
  return b === IDENTITY
    ? a
    : a.map((_, at) => [0, 1, 2, 3].reduce((sum, k) => sum + a[(at & 12) + k] * b[k * 4 + (at & 3)], 0));
}

function moved(m, vector, place) {
  const [x, y, z] = vector ?? [];
  return vector && [0, 4, 8].map((row) => m[row] * x + m[row + 1] * y + m[row + 2] * z + m[row + 3] * place);
}

function unit(vector) {
  const length = vector && Math.hypot(...vector);
  return length ? vector.map((part) => part / length) : null;
}

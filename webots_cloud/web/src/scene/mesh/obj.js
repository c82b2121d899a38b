// Wavefront's OBJ, as far as the shape goes; materials are Webots' own.
import { Triangles } from "./triangles.js";

/**
 * Read a file.
 *
 * @param {string} text of it.
 * @returns {{points: Float32Array, normals: Float32Array|null, texture: Float32Array|null}}
 * @throws {Error} where it is broken or too large.
 */
export function readObj(text) {
  const lists = { v: [], vt: [], vn: [] };
  const triangles = new Triangles();
  for (const line of text.replaceAll("\\\n", " ").split("\n")) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word in lists) {
      lists[word].push(rest.slice(0, word === "vt" ? 2 : 3).map(Number));
    } else if (word === "f") {
      triangles.addPolygon(rest.map((corner) => readCorner(corner, lists)));
    }
  }
  return triangles.finish();
}

/** `POINT/TEXTURE/NORMAL`, each counted from one, or backwards from the last so far. */
function readCorner(corner, { v, vt, vn }) {
  const [point, texture, normal] = corner.split("/").map(Number);
  const of = (list, index) => (index ? list.at(index > 0 ? index - 1 : index) : null) ?? null;
  return { point: of(v, point), texture: of(vt, texture), normal: of(vn, normal) };
}

// STL, in its binary and in its text form.
import { Triangles } from "./triangles.js";

const HEADER = 84; // bytes
const TRIANGLE = 50;

/**
 * Read a file.
 *
 * @param {ArrayBuffer} bytes of it.
 * @returns {{points: Float32Array, normals: Float32Array|null, texture: Float32Array|null}}
 * @throws {Error} where it is broken or too large.
 */
export function readStl(bytes) {
  const view = new DataView(bytes);
  const count = bytes.byteLength >= HEADER ? view.getUint32(HEADER - 4, true) : 0;
  // A text may begin with anything; only a binary file has exactly the length that it says.
  return count > 0 && bytes.byteLength >= HEADER + count * TRIANGLE && !isText(view)
    ? readBinary(view, count)
    : readText(new TextDecoder().decode(bytes));
}

function isText(view) {
  const start = String.fromCharCode(...new Uint8Array(view.buffer, 0, Math.min(view.byteLength, 512)));
  return /^\s*solid[\s\S]*facet\s+normal/.test(start);
}

function readBinary(view, count) {
  const triangles = new Triangles();
  const three = (at) => [0, 4, 8].map((offset) => view.getFloat32(at + offset, true));
  for (let at = HEADER; at < HEADER + count * TRIANGLE; at += TRIANGLE) {
    triangles.addPolygon([12, 24, 36].map((offset) => ({ point: three(at + offset), normal: null, texture: null })));
  }
  return triangles.finish();
}

function readText(text) {
  const triangles = new Triangles();
  for (const [, loop] of text.matchAll(/outer\s+loop([\s\S]*?)endloop/g)) {
    const points = [...loop.matchAll(/vertex\s+(\S+)\s+(\S+)\s+(\S+)/g)].map((found) => found.slice(1, 4).map(Number));
    triangles.addPolygon(points.map((point) => ({ point, normal: null, texture: null })));
  }
  return triangles.finish();
}

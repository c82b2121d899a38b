// What the camera and the picking read from X_ITE's own nodes: places, bounds and triangles. Its documented interface
// has none of these; nothing else here knows the insides of X_ITE.
import { union } from "./bounds.js";
import { meetBox, meetTriangles } from "./raycast.js";
import { IDENTITY, aim, cross, dot, inverse, place, product } from "./vector.js";

/** X_ITE's kinds of geometry: points, lines, and from here on faces. */
const FACES = 2;
/** Labels, which turn with the camera. */
const NOT_PICKED = new Set(["Billboard"]);

/**
 * Where the innermost of some nodes, each inside the one before, has its own axes. It is calculated from the fields:
 * X_ITE's own matrices are those of the last frame that was drawn.
 *
 * @param {object[]} path from `pathOf`.
 * @returns {number[]} a matrix.
 */
export function matrixOf(path) {
  return path.reduce((matrix, node) => product(matrix, ownMatrix(node.getValue())), IDENTITY);
}

/**
 * The nearest thing that a ray meets.
 *
 * @param {object} root the node that holds the world.
 * @param {{origin: number[], direction: number[]}} ray as the camera has it, outside of `root`.
 * @returns {{path: string[], distance: number} | null} the names of the nodes from the outermost to the shape, and how
 *   many directions away it is.
 */
export function firstHit(root, ray) {
  let nearest = null;
  for (const { shape, geometry, matrix, path } of shapesIn(root.getValue(), IDENTITY)) {
    if (!shape._pointerEvents.getValue()) {
      continue;
    }
    const distance = distanceTo(geometry, matrix, ray, nearest?.distance ?? Infinity);
    if (distance < (nearest?.distance ?? Infinity)) {
      nearest = { path, distance };
    }
  }
  return nearest;
}

/**
 * The bounds of all that is shown inside a node.
 *
 * @param {object} node from `nodeOf`.
 * @returns {{min: number[], max: number[]} | null} along the axes inside the node; null where nothing is.
 */
export function boundsOf(node) {
  // The node's own place is left out: its bounds go along with it.
  const undo = inverse(ownMatrix(node.getValue()));
  const shapes = undo ? [...shapesIn(node.getValue(), undo)] : [];
  return union(shapes.map(({ geometry, matrix }) => ({ ...extentOf(geometry), matrix })));
}

function* shapesIn(node, outer, path = []) {
  if (node._visible?.getValue() === false || NOT_PICKED.has(node.getTypeName())) {
    return;
  }
  const name = node.getName();
  const here = name ? [...path, name] : path;
  const geometry = node._geometry?.getValue();
  if (geometry?.getVertices?.().length) {
    yield { shape: node, geometry, matrix: outer, path: here };
  }
  if (node._children) {
    const matrix = node._translation ? product(outer, ownMatrix(node)) : outer;
    for (const child of node._children) {
      yield* shapesIn(child.getValue(), matrix, here);
    }
  }
}

function ownMatrix(node) {
  if (!node._translation) {
    return IDENTITY;
  }
  const fields = ["_translation", "_rotation", "_scale", "_scaleOrientation", "_center"];
  const matrix = node.getMatrix().copy();
  matrix.set(...fields.map((field) => node[field].getValue()));
  return Array.from({ length: 16 }, (_, index) => matrix[index]);
}

function distanceTo(geometry, matrix, { origin, direction }, nearest) {
  const undo = geometry.getGeometryType() >= FACES ? inverse(matrix) : null;
  if (!undo) {
    return Infinity;
  }
  const ray = { origin: place(undo, origin), direction: aim(undo, direction) };
  const { min, max } = extentOf(geometry);
  if (meetBox(ray, min, max) >= nearest) {
    return Infinity;
  }
  const side = geometry.isSolid() ? (geometry.getCCW() ? 1 : -1) : 0;
  return meetTriangles(ray, geometry.getVertices(), mirrors(matrix) ? -side : side);
}

function mirrors(m) {
  return dot(m.slice(0, 3), cross(m.slice(4, 7), m.slice(8, 11))) < 0;
}

function extentOf(geometry) {
  const [min, max] = [geometry.getMin(), geometry.getMax()].map(({ x, y, z }) => [x, y, z]);
  return { min, max };
}

// Bounds: a box `{min, max}` along some axes.
import { place } from "./vector.js";

/** The eight corners; between two whose numbers differ in one bit there is an edge. */
export function cornersOf({ min, max }) {
  return Array.from({ length: 8 }, (_, corner) => [0, 1, 2].map((axis) => (corner & (1 << axis) ? max : min)[axis]));
}

/**
 * The bounds of several boxes, each with a matrix that takes it to the common axes.
 *
 * @param {Iterable<{min: number[], max: number[], matrix: number[]}>} boxes
 * @returns {{min: number[], max: number[]} | null} null where there is none.
 */
export function union(boxes) {
  const min = [Infinity, Infinity, Infinity];
  const max = [-Infinity, -Infinity, -Infinity];
  for (const box of boxes) {
    for (const corner of cornersOf(box)) {
      place(box.matrix, corner).forEach((part, axis) => {
        min[axis] = Math.min(min[axis], part);
        max[axis] = Math.max(max[axis], part);
      });
    }
  }
  return min[0] <= max[0] ? { min, max } : null;
}

/** The ball around bounds, in the axes to which a matrix takes them. */
export function ballAround({ min, max }, matrix) {
  const corners = cornersOf({ min, max }).map((corner) => place(matrix, corner));
  const center = place(matrix, [0, 1, 2].map((axis) => (min[axis] + max[axis]) / 2));
  return { center, radius: Math.max(...corners.map((corner) => Math.hypot(...corner.map((part, i) => part - center[i])))) };
}

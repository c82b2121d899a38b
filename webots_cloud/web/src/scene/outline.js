// The edges of a box as they are on the view. No DOM.
import { cornersOf } from "./bounds.js";
import { place } from "./vector.js";
import { fromCamera, onView } from "./viewing.js";

const NEAR = 0.01;

/**
 * @param {{min: number[], max: number[]}} bounds of an object along its own axes.
 * @param {number[]} matrix takes these to the axes of the camera's pose.
 * @returns {{path: string, top: number[] | null}} the edges in the form of an SVG path; and the highest place of them on
 *   the view, above the middle, or null where no edge is ahead.
 */
export function outline(bounds, matrix, pose, lens) {
  const corners = cornersOf(bounds).map((corner) => fromCamera(pose, place(matrix, corner)));
  const edges = [];
  for (let from = 0; from < 8; from++) {
    for (const bit of [1, 2, 4]) {
      const edge = from & bit ? null : ahead(corners[from], corners[from | bit]);
      if (edge) {
        edges.push(edge.map((end) => onView(lens, end)));
      }
    }
  }
  const ends = edges.flat();
  return {
    path: edges.map(([a, b]) => `M${text(a)}L${text(b)}`).join(""),
    top: ends.length ? [middle(ends.map(([x]) => x)), Math.min(...ends.map(([, y]) => y))] : null,
  };
}

/** The part of an edge that is before the camera; null where none is. */
function ahead(from, to) {
  const [near, far] = from[2] > to[2] ? [from, to] : [to, from];
  if (far[2] > -NEAR) {
    return null;
  }
  if (near[2] <= -NEAR) {
    return [near, far];
  }
  const part = (-NEAR - far[2]) / (near[2] - far[2]);
  return [far.map((number, axis) => number + (near[axis] - number) * part), far];
}

function middle(numbers) {
  return (Math.min(...numbers) + Math.max(...numbers)) / 2;
}

/** Browsers draw wrongly, or slowly, what is very far beside the picture. */
function text(point) {
  return point.map((number) => Math.max(-1e5, Math.min(1e5, number)).toFixed(1)).join(" ");
}

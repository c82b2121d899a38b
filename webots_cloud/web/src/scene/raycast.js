// Where a ray meets a box or triangles. A ray is `{origin, direction}`; what is told is how many directions away it is.
import { cross, dot, subtract } from "./vector.js";

/** How far away a box is, 0 from inside; `Infinity` where the ray does not meet it. */
export function meetBox({ origin, direction }, min, max) {
  let near = 0;
  let far = Infinity;
  for (let axis = 0; axis < 3; axis++) {
    if (direction[axis] === 0) {
      if (origin[axis] < min[axis] || origin[axis] > max[axis]) {
        return Infinity;
      }
    } else {
      const one = (min[axis] - origin[axis]) / direction[axis];
      const other = (max[axis] - origin[axis]) / direction[axis];
      near = Math.max(near, Math.min(one, other));
      far = Math.min(far, Math.max(one, other));
    }
  }
  return near <= far ? near : Infinity;
}

/**
 * How far away the nearest of some triangles is; `Infinity` where the ray meets none.
 *
 * @param {ArrayLike<number>} vertices four numbers each, three vertices a triangle.
 * @param {number} side 1 where only triangles count whose corners go round anticlockwise as seen, -1 where those that go
 *   round clockwise do, 0 for both.
 */
export function meetTriangles({ origin, direction }, vertices, side) {
  let nearest = Infinity;
  for (let at = 0; at + 12 <= vertices.length; at += 12) {
    const corner = [vertices[at], vertices[at + 1], vertices[at + 2]];
    const one = subtract([vertices[at + 4], vertices[at + 5], vertices[at + 6]], corner);
    const other = subtract([vertices[at + 8], vertices[at + 9], vertices[at + 10]], corner);
    const across = cross(direction, other);
    const facing = dot(one, across);
    if (facing === 0 || facing * side < 0) {
      continue;
    }
    const from = subtract(origin, corner);
    const along = dot(from, across) / facing;
    const upright = cross(from, one);
    const beside = dot(direction, upright) / facing;
    const distance = dot(other, upright) / facing;
    if (along >= 0 && beside >= 0 && along + beside <= 1 && distance > 0 && distance < nearest) {
      nearest = distance;
    }
  }
  return nearest;
}

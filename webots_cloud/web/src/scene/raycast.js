// Where a ray meets a box or triangles. A ray is `{origin, direction}`; what is told is how many directions away it is.

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
export function meetTriangles({ origin: [ox, oy, oz], direction: [dx, dy, dz] }, vertices, side) {
  let nearest = Infinity;
  // Numbers alone, as there may be a million triangles: `a` is the first corner, `u` and `v` lead to the others.
  for (let at = 0; at + 12 <= vertices.length; at += 12) {
    const [ax, ay, az] = [vertices[at], vertices[at + 1], vertices[at + 2]];
    const [ux, uy, uz] = [vertices[at + 4] - ax, vertices[at + 5] - ay, vertices[at + 6] - az];
    const [vx, vy, vz] = [vertices[at + 8] - ax, vertices[at + 9] - ay, vertices[at + 10] - az];
    const [px, py, pz] = [dy * vz - dz * vy, dz * vx - dx * vz, dx * vy - dy * vx];
    const facing = ux * px + uy * py + uz * pz;
    if (facing === 0 || facing * side < 0) {
      continue;
    }
    const [tx, ty, tz] = [ox - ax, oy - ay, oz - az];
    const along = (tx * px + ty * py + tz * pz) / facing;
    if (!(along >= 0 && along <= 1)) {
      continue;
    }
    const [qx, qy, qz] = [ty * uz - tz * uy, tz * ux - tx * uz, tx * uy - ty * ux];
    const beside = (dx * qx + dy * qy + dz * qz) / facing;
    const distance = (vx * qx + vy * qy + vz * qz) / facing;
    if (beside >= 0 && along + beside <= 1 && distance > 0 && distance < nearest) {
      nearest = distance;
    }
  }
  return nearest;
}

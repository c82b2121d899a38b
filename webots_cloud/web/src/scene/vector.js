// Points and directions `[x, y, z]`, and matrices of 16 numbers, column after column, as WebGL and X_ITE have them.

export const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

export function add([ax, ay, az], [bx, by, bz]) {
  return [ax + bx, ay + by, az + bz];
}

export function subtract([ax, ay, az], [bx, by, bz]) {
  return [ax - bx, ay - by, az - bz];
}

export function scale([x, y, z], factor) {
  return [x * factor, y * factor, z * factor];
}

export function dot([ax, ay, az], [bx, by, bz]) {
  return ax * bx + ay * by + az * bz;
}

export function cross([ax, ay, az], [bx, by, bz]) {
  return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
}

export function length([x, y, z]) {
  return Math.hypot(x, y, z);
}

/** The same direction with the length one. */
export function unit(vector) {
  return scale(vector, 1 / length(vector));
}

export function clamp(number, least, most) {
  return Math.min(most, Math.max(least, number));
}

/** The change of place that is `b` and then `a`. */
export function product(a, b) {
  const result = new Array(16);
  for (let column = 0; column < 16; column += 4) {
    for (let row = 0; row < 4; row++) {
      result[column + row] =
        a[row] * b[column] + a[row + 4] * b[column + 1] + a[row + 8] * b[column + 2] + a[row + 12] * b[column + 3];
    }
  }
  return result;
}

/** Undoes a change of place; null where nothing does, as with a scale of zero. */
export function inverse(m) {
  const columns = [m.slice(0, 3), m.slice(4, 7), m.slice(8, 11)];
  const rows = [cross(columns[1], columns[2]), cross(columns[2], columns[0]), cross(columns[0], columns[1])];
  const determinant = dot(columns[0], rows[0]);
  if (!(Math.abs(determinant) > 1e-30)) {
    return null;
  }
  const [x, y, z] = rows.map((row) => scale(row, 1 / determinant));
  const origin = [m[12], m[13], m[14]];
  return [
    ...[x[0], y[0], z[0], 0],
    ...[x[1], y[1], z[1], 0],
    ...[x[2], y[2], z[2], 0],
    ...[-dot(x, origin), -dot(y, origin), -dot(z, origin), 1],
  ];
}

/** Where a matrix takes a point. */
export function place(m, [x, y, z]) {
  return [
    m[0] * x + m[4] * y + m[8] * z + m[12],
    m[1] * x + m[5] * y + m[9] * z + m[13],
    m[2] * x + m[6] * y + m[10] * z + m[14],
  ];
}

/** Where a matrix makes a direction point. */
export function aim(m, [x, y, z]) {
  return [m[0] * x + m[4] * y + m[8] * z, m[1] * x + m[5] * y + m[9] * z, m[2] * x + m[6] * y + m[10] * z];
}

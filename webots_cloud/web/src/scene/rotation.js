// Rotations as X3D writes them, "x y z angle" in radians, as quaternions `[x, y, z, w]`, and what the change of axes
// between Webots and X3D needs.

/** The rotation that takes ENU (z up) to X3D's axes (y up). */
export const ENU_TO_Y_UP = [1, 0, 0, -Math.PI / 2];

/** How an ENU camera, which looks along x with z up, is turned against an X3D camera, which looks along -z with y up. */
const ENU_CAMERA = [1, -1, -1, (2 * Math.PI) / 3];

/** Read the first `count` numbers of a text, or null where there are fewer or one is not finite. */
export function readNumbers(text, count) {
  const parts = String(text ?? "").split(/[\s,]+/).filter(Boolean);
  const numbers = parts.slice(0, count).map(Number);
  return numbers.length === count && numbers.every(Number.isFinite) ? numbers : null;
}

/**
 * Read the numbers of a text into an array, which is left as it was where there are fewer or one is not finite.
 *
 * @param {number[]} numbers as many as are wanted.
 * @param {unknown} text with a space between two of them; or read by `readNumbers`.
 * @returns {boolean} whether they were there.
 */
export function readInto(numbers, text) {
  const count = numbers.length;
  let from = 0;
  for (let at = 0; at < count && typeof text === "string"; at++) {
    const space = text.indexOf(" ", from);
    const part = space < 0 ? text.slice(from) : text.slice(from, space);
    const number = part === "" ? NaN : +part;
    if (number - number !== 0 || (space < 0 && at + 1 < count)) {
      break;
    }
    scratch[at] = number;
    from = space + 1;
    if (at + 1 === count) {
      return copy(scratch, numbers);
    }
  }
  const read = readNumbers(text, count);
  return read !== null && copy(read, numbers);
}

/**
 * Position and orientation of an ENU viewpoint, in a scene whose y axis is up.
 *
 * @param {number[]} position in the ENU world.
 * @param {number[]} orientation axis and angle in the ENU world.
 * @returns {{position: number[], orientation: number[]}}
 */
export function viewpointFromEnu(position, orientation) {
  const world = quaternion(ENU_TO_Y_UP);
  const turned = multiply(multiply(world, quaternion(orientation)), quaternion(ENU_CAMERA));
  const [x, y, z] = position;
  return { position: [x, z, -y], orientation: axisAngle(turned) };
}

const scratch = [0, 0, 0, 0];

function copy(from, to) {
  for (let at = 0; at < to.length; at++) {
    to[at] = from[at];
  }
  return true;
}

/** The quaternion of an axis and an angle; no turn where the axis has no length. */
export function quaternion([x, y, z, angle]) {
  const length = Math.hypot(x, y, z);
  if (length === 0) {
    return [0, 0, 0, 1];
  }
  const s = Math.sin(angle / 2) / length;
  return [x * s, y * s, z * s, Math.cos(angle / 2)];
}

/** The turn that is `b` and then `a`. */
export function multiply([ax, ay, az, aw], [bx, by, bz, bw]) {
  return [
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

/** Axis and angle of a quaternion of length one. */
export function axisAngle([x, y, z, w]) {
  const s = Math.hypot(x, y, z);
  return s < 1e-12 ? [0, 1, 0, 0] : [x / s, y / s, z / s, 2 * Math.atan2(s, w)];
}

/** Where a vector points once it is turned by a quaternion of length one. */
export function turn([x, y, z, w], [vx, vy, vz]) {
  const tx = 2 * (y * vz - z * vy);
  const ty = 2 * (z * vx - x * vz);
  const tz = 2 * (x * vy - y * vx);
  return [vx + w * tx + y * tz - z * ty, vy + w * ty + z * tx - x * tz, vz + w * tz + x * ty - y * tx];
}

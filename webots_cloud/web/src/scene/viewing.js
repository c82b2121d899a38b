// How a camera moves and what it sees, as calculations on a pose `{position, orientation}`: a point, and the quaternion
// that turns an X3D camera, which looks along -z with y up. Up is y. Lengths are in metres, places on the view in pixels.
import { multiply, quaternion, turn } from "./rotation.js";
import { add, clamp, length, scale, subtract, unit } from "./vector.js";

const AHEAD = [0, 0, -1];
const RIGHT = [1, 0, 0];
const UP = [0, 1, 0];

/** A camera that looks straight up or down would turn over with the next move. */
const STEEPEST = Math.PI / 2 - 0.01;
/** Below it a camera is not said to look at the ground, nor to be over it. */
const LEVEL = 0.01;
const NEAREST = 0.02;
const FARTHEST = 5_000;

/**
 * @typedef {object} Lens
 * @property {number} fieldOfView angle over the shorter side of the view, in radians.
 * @property {number} width of the view in pixels.
 * @property {number} height
 */

/** Where the camera looks. */
export function ahead({ orientation }) {
  return turn(orientation, AHEAD);
}

/**
 * Go round a point, which stays where it is on the view.
 *
 * @param {number} around angle about the axis that is up, in radians.
 * @param {number} over angle about the axis that goes to the right; it ends where the camera looks straight up or down.
 */
export function orbit(pose, pivot, around, over) {
  const elevation = Math.asin(clamp(ahead(pose)[1], -1, 1));
  const least = Math.min(elevation, -STEEPEST);
  const most = Math.max(elevation, STEEPEST);
  const tilt = clamp(elevation + over, least, most) - elevation;
  const sideways = turn(pose.orientation, RIGHT);
  const turned = multiply(quaternion([...UP, around]), quaternion([...sideways, tilt]));
  return {
    position: add(pivot, turn(turned, subtract(pose.position, pivot))),
    orientation: straightened(multiply(turned, pose.orientation)),
  };
}

/** Move across the line of sight, so that what is at `distance` moves by these pixels. */
export function pan(pose, lens, distance, across, down) {
  const meters = distance / focalLength(lens);
  const sideways = scale(turn(pose.orientation, RIGHT), -across * meters);
  const upwards = scale(turn(pose.orientation, UP), down * meters);
  return { ...pose, position: add(pose.position, add(sideways, upwards)) };
}

/** Bring a point nearer (a factor below 1) or take it away; it stays where it is on the view. */
export function zoom(pose, target, factor) {
  const away = subtract(pose.position, target);
  const distance = length(away);
  const wanted = clamp(distance * factor, Math.min(distance, NEAREST), Math.max(distance, FARTHEST));
  return { ...pose, position: add(target, scale(away, wanted / distance || 0)) };
}

/** Look at an object whose bounds are a ball, from the same side as now, so that it fills the better part of the view. */
export function faceBall(pose, { fieldOfView }, center, radius) {
  const distance = Math.max(NEAREST, (1.5 * radius) / Math.sin(Math.min(fieldOfView, 2) / 2));
  return { ...pose, position: subtract(center, scale(ahead(pose), distance)) };
}

/** How far away something is that the camera may be meant to look at, where nothing is known to be there. */
export function guessDistance(pose) {
  const [, height] = pose.position;
  const [, descent] = ahead(pose);
  const looksAtIt = descent * height < 0 && Math.abs(descent) > LEVEL && Math.abs(height) > LEVEL;
  const ground = looksAtIt ? -height / descent : Infinity;
  return clamp(Math.min(ground, length(pose.position)), 0.5, 100);
}

/** The ray through a place on the view. */
export function rayThrough(pose, lens, x, y) {
  const direction = [x - lens.width / 2, lens.height / 2 - y, -focalLength(lens)];
  return { origin: pose.position, direction: unit(turn(pose.orientation, direction)) };
}

/** A point as the camera has it: x to the right, y up, and z negative where the point is ahead. */
export function fromCamera({ position, orientation: [x, y, z, w] }, point) {
  return turn([-x, -y, -z, w], subtract(point, position));
}

/** Where a point is on the view, from what `fromCamera` says of it; it must be ahead. */
export function onView(lens, [x, y, z]) {
  const pixels = focalLength(lens) / -z;
  return [lens.width / 2 + x * pixels, lens.height / 2 - y * pixels];
}

/** How far away, in pixels, the view would be, were it a picture in the world. */
function focalLength({ fieldOfView, width, height }) {
  return Math.min(width, height) / 2 / Math.tan(fieldOfView / 2);
}

/** Many small turns would otherwise let a quaternion grow. */
function straightened(orientation) {
  const size = Math.hypot(...orientation);
  return orientation.map((part) => part / size);
}

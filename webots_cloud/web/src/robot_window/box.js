// Where a window is in the area and how large, in pixels; always inside, and never too small to be used. No DOM.

const SMALLEST = { width: 180, height: 120 };
const USUAL = { width: 360, height: 340 };
const MARGIN = 10;
const STEP = 28;

/**
 * Where a new window comes up: at the right, each a bit below the one before.
 *
 * @param {{width: number, height: number}} area
 * @param {number} before how many are there already.
 */
export function placed(area, before) {
  const shift = MARGIN + (before % 8) * STEP;
  return fitted({ x: area.width - USUAL.width - shift, y: shift, ...USUAL }, area, MARGIN);
}

/** Move a window, as far as the area goes. */
export function moved(box, dx, dy, area) {
  return fitted({ ...box, x: box.x + dx, y: box.y + dy }, area);
}

/** Make a window larger or smaller at its lower right corner, as far as the area goes. */
export function resized(box, dx, dy, area) {
  const size = (now, change, smallest, most) => Math.max(Math.min(smallest, most), Math.min(now + change, most));
  return {
    ...box,
    width: size(box.width, dx, SMALLEST.width, area.width - box.x),
    height: size(box.height, dy, SMALLEST.height, area.height - box.y),
  };
}

/** Bring a window into an area that may have become smaller. */
export function fitted(box, area, margin = 0) {
  const width = Math.max(0, Math.min(box.width, area.width - 2 * margin));
  const height = Math.max(0, Math.min(box.height, area.height - 2 * margin));
  return {
    x: Math.max(margin, Math.min(box.x, area.width - margin - width)),
    y: Math.max(margin, Math.min(box.y, area.height - margin - height)),
    width,
    height,
  };
}

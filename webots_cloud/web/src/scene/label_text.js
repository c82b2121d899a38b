// Reads labels: what a supervisor wrote over the scene (docs/protocol.md section 4). No DOM.

const LONGEST = 2000; // characters
const LONGEST_NAME = 100;

/** Webots' size of a label is that of its line box times this. */
const LINE_BOX = 2.25;

/**
 * What a label says, or null where it is none.
 *
 * @param {{id: unknown, text: unknown, font: unknown, rgba: unknown, color: unknown, size: unknown, x: unknown,
 *   y: unknown}} label as it came: `size`, `x` and `y` are parts of the view's height, width and height.
 * @returns {{id: string, text: string, font: string, color: string, size: number, x: number, y: number} | null} `size`
 *   is that of the letters.
 */
export function readLabel(label) {
  if (label === null || typeof label !== "object" || !/^(number|string)$/.test(typeof label.id)) {
    return null;
  }
  const font = String(label.font ?? "").replace(/[^\p{L}\p{N} _-]/gu, "");
  return {
    id: String(label.id).slice(0, LONGEST_NAME),
    text: String(label.text ?? "").slice(0, LONGEST),
    font: font.slice(0, LONGEST_NAME) || "Arial",
    color: readColor(label.rgba ?? label.color),
    size: within(label.size, 0.1, 0, 2) / LINE_BOX,
    x: within(label.x, 0, -1, 2),
    y: within(label.y, 0, -1, 2),
  };
}

/** A label as it comes in a message of its own: `ID;FONT;COLOR;SIZE;X;Y;TEXT`. */
export function readLabelMessage(rest) {
  const [id, font, color, size, x, y, ...text] = rest.split(";");
  return text.length ? { id: id.trim(), font, color, size, x, y, text: text.join(";") } : null;
}

/** Red, green, blue and how opaque; from 0 to 1 each, or from 0 to 255 for the first three. */
function readColor(text) {
  const hexadecimal = /^\s*(#[0-9a-f]{3,8})\s*$/i.exec(String(text ?? ""));
  if (hexadecimal) {
    return hexadecimal[1];
  }
  const parts = String(text ?? "").slice(0, LONGEST_NAME).match(/-?\d*\.?\d+(e-?\d+)?/gi)?.map(Number) ?? [];
  if (parts.length < 3) {
    return "#ffffff";
  }
  const [red, green, blue, opacity = 1] = parts;
  const scale = Math.max(red, green, blue) > 1 ? 1 : 255;
  const channel = (part) => Math.round(Math.min(255, Math.max(0, part * scale)));
  return `rgba(${channel(red)}, ${channel(green)}, ${channel(blue)}, ${Math.min(1, Math.max(0, opacity))})`;
}

function within(value, otherwise, least, most) {
  const number = Number(value ?? NaN);
  return Number.isFinite(number) ? Math.min(most, Math.max(least, number)) : otherwise;
}

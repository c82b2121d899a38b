// Webots gives colours as they appear on the screen (sRGB); physically based materials of X3D want amounts of light.

/** @param {number[]} color parts from 0 to 1 as on the screen. @returns {number[]} as amounts of light. */
export function toLinear(color) {
  return color.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
}

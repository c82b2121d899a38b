// Numbers, sizes and times in words.

const UNITS = [
  ["year", 365 * 24 * 3600],
  ["month", 30 * 24 * 3600],
  ["day", 24 * 3600],
  ["hour", 3600],
  ["minute", 60],
];

/** "1 file", "2 files". */
export function counted(number, thing) {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

/** @param {number} bytes in the unit in which people read it. */
export function sizeOf(bytes) {
  if (bytes < 1000) {
    return counted(bytes, "byte");
  }
  const [size, unit] = bytes < 1_000_000 ? [bytes / 1000, "kB"] : [bytes / 1_000_000, "MB"];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}

/**
 * @param {number} then in seconds since 1970; 0: nobody knows.
 * @param {number} now in seconds since 1970.
 */
export function agoOf(then, now = Date.now() / 1000) {
  if (!then) {
    return "some time ago";
  }
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, seconds] of UNITS) {
    if (now - then >= seconds) {
      return words.format(-Math.floor((now - then) / seconds), unit);
    }
  }
  return "just now";
}

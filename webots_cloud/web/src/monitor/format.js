// Numbers as people read them.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @param {number|undefined} value from 0 to 100; what is not known is a dash. */
export function percent(value) {
  return value === undefined ? "–" : `${Math.round(value)} %`;
}

/** @param {number|undefined} value a number of things. */
export function count(value) {
  return value === undefined ? "–" : value.toLocaleString("en");
}

/** @param {number|undefined} size in bytes. */
export function bytes(size) {
  if (size === undefined) {
    return "–";
  }
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit > 0 && size < 9.95 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** @param {number|undefined} rate in bytes a second. */
export function rate(rate) {
  return rate === undefined ? "–" : `${bytes(rate)}/s`;
}

/** @param {number} seconds a length of time; its two largest units are given. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) {
    return `${whole} s`;
  }
  if (whole < HOUR) {
    return `${Math.floor(whole / MINUTE)} min`;
  }
  if (whole < DAY) {
    return `${Math.floor(whole / HOUR)} h ${Math.floor((whole % HOUR) / MINUTE)} min`;
  }
  return `${Math.floor(whole / DAY)} d ${Math.floor((whole % DAY) / HOUR)} h`;
}

/** @param {number} time in seconds since the epoch. */
export function moment(time) {
  return new Date(time * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

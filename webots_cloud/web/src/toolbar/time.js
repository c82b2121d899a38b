// Writes simulated time for people.

const two = (number) => String(number).padStart(2, "0");

/** `0:00:01.234`: hours, minutes, seconds and milliseconds. */
export function formatTime(milliseconds) {
  const whole = Math.max(0, Math.floor(milliseconds));
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor(whole / 60_000) % 60;
  const seconds = Math.floor(whole / 1000) % 60;
  return `${hours}:${two(minutes)}:${two(seconds)}.${String(whole % 1000).padStart(3, "0")}`;
}

/** `1:05`, or `2:01:05` from an hour on: what is left, in seconds that have begun. */
export function formatLeft(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

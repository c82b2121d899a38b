// What is said to Webots where it depends on its release or on what is wanted (docs/protocol.md section 4).

/**
 * The first message.
 *
 * @param {string} mode `x3d`, `w3d` or `mjpeg`.
 * @param {boolean} broadcast whether the visitor only watches.
 * @param {string} size of the pictures, `800x600`.
 */
export function greeting(mode, broadcast, size) {
  return (mode === "mjpeg" ? `mjpeg: ${size}` : mode) + (broadcast ? ";broadcast" : "");
}

/**
 * To which generation the Webots belongs that wrote a scene.
 *
 * @param {string} x3d the scene.
 * @returns {"A"|"B"} A where it does not say.
 */
export function generationOf(x3d) {
  const version = /<meta\s+name=["']version["']\s+content=["']R(\d{4})/.exec(x3d.slice(0, 2000));
  return version && Number(version[1]) >= 2022 ? "B" : "A";
}

/** A message to a robot's controller. */
export function robotMessage(generation, robot, message) {
  const [name, text] = [String(robot), String(message)];
  return generation === "B" ? `robot:${JSON.stringify({ name, message: text })}` : `robot:${name}:${text}`;
}

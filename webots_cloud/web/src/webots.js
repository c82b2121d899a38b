// The public face as a module: `import webots from "./webots.mjs"`.
import { View } from "./view.js";
import { visitor } from "./visitor.js";

/** `webots.View`, and what the page says of its visitor: `webots.User1Id` to `webots.CustomData`. */
export const webots = Object.assign(visitor, { View });
export default webots;
export { View };

// The public face as a classic script: defines the global `webots`.
import { webots } from "./webots.js";

globalThis.webots = webots;

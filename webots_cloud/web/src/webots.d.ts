// Types of the global that webots.js defines: `/// <reference path="webots.d.ts" />`.
import type { Webots } from "./webots.mjs";

declare global {
  var webots: Webots;
}

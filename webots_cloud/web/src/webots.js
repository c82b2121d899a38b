// The public face as a module: `import webots from "./webots.mjs"`. Also defines the element <webots-view>.
import { AvailabilityStatus } from "./availability/status.js";
import { settings } from "./page_settings.js";
import { View as AnyView } from "./view.js";
import { visitor } from "./visitor.js";
import { defineWebotsView } from "./webots_view.js";

/** A view; the newest one is `webots.currentView`. */
export class View extends AnyView {
  constructor(...more) {
    super(...more);
    webots.currentView = this;
  }
}

/** Tells in an element whether a simulation can be started; with or without `new`. */
export function Availability(element, url) {
  return new AvailabilityStatus(element, url);
}

/** What pages use, and what they set: their visitor (visitor.js) and their buttons (page_settings.js). */
export const webots = { View, Availability, currentView: null };
for (const where of [visitor, settings]) {
  for (const name of Object.keys(where)) {
    Object.defineProperty(webots, name, {
      enumerable: true,
      get: () => where[name],
      set(value) {
        where[name] = value;
      },
    });
  }
}
export default webots;

defineWebotsView(View);

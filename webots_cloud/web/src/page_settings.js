// Which buttons a page wants in its views: `webots.showQuit` and its like; read when a simulation is opened.

/** The page may set each of these. */
export const settings = {
  /** The button that quits. */
  showQuit: true,
  /** The button that loads the world again from its file. */
  showRevert: false,
  /** The button that runs the simulation as fast as possible. */
  showRun: true,
};

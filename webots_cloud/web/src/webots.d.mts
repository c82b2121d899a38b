// Types of webots.mjs. What each member is for is said in the manual of the client.

/** How the scene is sent. */
export type Mode = "x3d" | "w3d" | "mjpeg";

/** A button of the toolbar. */
export type ButtonName =
  | "quit"
  | "info"
  | "worlds"
  | "revert"
  | "reset"
  | "step"
  | "run"
  | "pause"
  | "fast"
  | "robots"
  | "console"
  | "help"
  | "fullscreen";

/** A controller's file, as Webots sends it. */
export interface ControllerFile {
  name: string;
  file: string;
  content: string;
}

/** Longest time without progress, in seconds. */
export interface Silence {
  looking?: number;
  starting?: number;
  loading?: number;
}

/** A recorded animation that plays. */
export interface PlayingAnimation {
  getStatus(): "play" | "pause";
}

/** A simulation inside an element of a page. */
export class View {
  /** @param mobile larger buttons; by default where a finger points. */
  constructor(element: HTMLElement, mobile?: boolean);

  onready: (() => void) | null;
  onclose: (() => void) | null;
  onerror: ((sentence: string) => void) | null;
  onquit: (() => void) | null;
  onresize: (() => void) | null;
  onstdout: ((text: string) => void) | null;
  onstderr: ((text: string) => void) | null;
  oncontroller: ((file: ControllerFile) => void) | null;
  onrobotmessage: ((robot: string, message: string) => void) | null;

  /** Whether visitors only watch. */
  broadcast: boolean;
  /** Whether others may watch. */
  allowBroadcast: boolean;
  /** Which buttons there are, where that is not as for all views. */
  buttons: Partial<Record<ButtonName, boolean>>;
  /** Whether there is a toolbar. */
  toolbar: boolean;
  silence: Silence;
  /** URL of a picture to show while the simulation starts; empty: none. */
  thumbnail: string;

  readonly animation: PlayingAnimation | null;
  /** Simulated time in milliseconds. */
  readonly time: number;
  /** What `setTimeout` was given; negative: never. */
  readonly timeout: number;
  /** Whether something in the editor is not saved. */
  readonly unsaved: boolean;

  open(url: string, mode?: Mode): void;
  close(): void;
  dispose(): void;
  setTimeout(seconds: number): void;
  setWebotsDocUrl(url: string): void;
  setAnimation(url: string, gui?: "play" | "pause", loop?: boolean): void;
  sendMessage(message: string): void;
  sendRobotMessage(message: string, robot: string): void;
  /** @returns whether that robot has one. */
  openRobotWindow(name: string): boolean;
  editController(name: string): void;
  resize(width: number, height: number): void;
}

/** What a widget of availability shows. */
export type AvailabilityState = "waiting" | "available" | "busy" | "unreachable" | "invalid";

/** Tells in an element whether a simulation can be started. */
export interface AvailabilityStatus {
  readonly state: AvailabilityState;
  onchange: ((state: AvailabilityState) => void) | null;
  close(): void;
}

/** With or without `new`. */
export interface AvailabilityConstructor {
  new (element: HTMLElement, url: string): AvailabilityStatus;
  (element: HTMLElement, url: string): AvailabilityStatus;
}

export const Availability: AvailabilityConstructor;

/** What pages use, and what they set before `open`. */
export interface Webots {
  View: typeof View;
  Availability: AvailabilityConstructor;
  currentView: View | null;
  User1Id: string | number;
  User1Name: string;
  User1Authentication: string;
  User2Id: string | number;
  User2Name: string;
  CustomData: string;
  showQuit: boolean;
  showRevert: boolean;
  showRun: boolean;
}

export const webots: Webots;
export default webots;

/** The element `<webots-view>`. */
export interface WebotsViewElement extends HTMLElement {
  onready: (() => void) | null;
  ondisconnect: (() => void) | null;
  showPlay?: boolean;
  showQuit?: boolean;
  showReload?: boolean;
  showReset?: boolean;
  showRevert?: boolean;
  showRun?: boolean;
  showStep?: boolean;
  showTerminal?: boolean;
  showWorldSelection?: boolean;

  connect(
    server: string,
    mode?: Mode,
    broadcast?: boolean,
    isMobileDevice?: boolean,
    timeout?: number | (() => void),
    thumbnail?: string | (() => void),
  ): void;
  loadScene(scene: string, isMobileDevice?: boolean, thumbnail?: string): void;
  loadAnimation(scene: string, animation: string, play?: boolean, isMobileDevice?: boolean, thumbnail?: string): void;
  close(): void;
  hasView(): boolean;
  hasAnimation(): boolean;
  hideToolbar(): void;
  showToolbar(): void;
  resize(): void;
  sendMessage(message: string): void;
  displayQuit(shown: boolean): void;
  displayRevert(shown: boolean): void;
  displayRun(shown: boolean): void;
  setWebotsMessageCallback(callback: (text: string) => void): void;
  setWebotsErrorMessageCallback(callback: (text: string) => void): void;
  setAmbientOcclusion(level: number): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "webots-view": WebotsViewElement;
  }
}

// A page in TypeScript that uses everything there is; only looked at by the compiler.
import webots, { Availability, View, webots as same, type ButtonName, type WebotsViewElement } from "./webots.mjs";

webots.User1Id = 7;
Object.assign(webots, { User1Name: "Ann", User1Authentication: "", User2Id: "8", User2Name: "Bob", CustomData: "{}" });
same.showRevert = same.showQuit = same.showRun = false;

const place = document.createElement("main");
const view: View = new webots.View(place, true);
view.onready = () => view.sendRobotMessage("go", "robot");
view.onclose = view.onquit = view.onresize = () => view.dispose();
view.onerror = view.onstdout = view.onstderr = (text) => console.log(text.length);
view.oncontroller = ({ name, file, content }) => console.log(name.length + file.length + content.length);
view.onrobotmessage = (robot, message) => console.log(robot.length + message.length);
view.broadcast = view.allowBroadcast = view.toolbar = !view.unsaved;
view.silence = { loading: 100 };
view.thumbnail = "picture.jpg";
const hidden: ButtonName[] = ["quit", "fullscreen"];
view.buttons = Object.fromEntries(hidden.map((name) => [name, false]));
view.setTimeout(view.timeout + view.time / 1000);
view.setWebotsDocUrl("https://example.org/");
view.setAnimation("animation.json", "pause", false);
view.open("scene.x3d");
view.open("ws://example.org:1999/p/worlds/w.wbt", "w3d");
view.sendMessage("pause");
view.openRobotWindow("robot");
view.editController("go");
view.resize(800, 600);
view.close();
console.log(view.animation?.getStatus() === "play", webots.currentView === view);
// @ts-expect-error there is no such mode
view.open("ws://example.org:1999/p/worlds/w.wbt", "vrml");
// @ts-expect-error what has no limit is told by a negative number
view.setTimeout("never");

const status = new Availability(place, "ws://example.org:1999");
status.onchange = (state) => console.log(state === "busy");
webots.Availability(place, "ws://example.org:1999").close();

const element: WebotsViewElement = document.createElement("webots-view");
element.showQuit = false;
element.connect("ws://example.org:1234", "mjpeg", true, false, 10, "picture.jpg");
element.connect("ws://example.org:1234", "x3d", true, false, () => element.hideToolbar(), () => element.showToolbar());
element.loadAnimation("scene.x3d", "animation.json", true);
element.loadScene("scene.x3d");
element.setWebotsMessageCallback((text) => element.sendMessage(text));
console.log(element.hasView() || element.hasAnimation());

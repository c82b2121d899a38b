// Makes the browser files: `node build.mjs FOLDER` fills the new folder FOLDER from src/ and from installed packages.
// Called by setup.py, which puts the finished folder in place as static/.
import { build } from "esbuild";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { bundledPackages, licenseOf, licenseSection } from "./licenses.mjs";

const here = import.meta.dirname;
const output = path.resolve(process.argv[2]);
const xIte = path.join(here, "node_modules", "x_ite");

// Only what scenes made from Webots' X3D can ask X_ITE for; the other components are megabytes.
const X_ITE_FILES = [
  "x_ite.min.mjs",
  "x_ite.css",
  "assets/components/CubeMapTexturingComponent.min.js",
  "assets/fonts/PT_Sans",
  "assets/images",
  "assets/lib/lut_ggx.png",
  "assets/linetype",
  "assets/lib/mikktspace_bg.wasm",
];

/** Each has an .html and a .js file in src/pages. */
const PAGES = ["account", "index", "my_projects", "project", "simulation"];

/** The same in src/monitor. */
const MONITOR_PAGES = ["session", "simulation"];

const shared = {
  bundle: true,
  minify: true,
  metafile: true,
  target: "es2022",
  absWorkingDir: here,
  logLevel: "warning",
  // The texts are in LICENSES.txt.
  legalComments: "none",
};

/** A style sheet that a script imports comes as text: it is adopted by shadow roots, which no policy forbids. */
const styleAsText = {
  name: "style-as-text",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path: file }) => {
      const { outputFiles } = await build({ ...shared, entryPoints: [file], write: false });
      return { contents: outputFiles[0].text, loader: "text" };
    });
  },
};

/** Each call of esbuild that makes files to serve. */
const BUILDS = [
  {
    plugins: [styleAsText],
    entryPoints: ["src/classic.js"],
    outfile: path.join(output, "webots.js"),
    format: "iife",
    // A classic script finds the files beside it through its own element, a module through import.meta.
    define: { "import.meta.url": "document.currentScript.src" },
  },
  {
    plugins: [styleAsText],
    entryPoints: ["src/webots.js"],
    outfile: path.join(output, "webots.mjs"),
    format: "esm",
  },
  {
    // Loaded by either of the two above once a visitor edits something.
    plugins: [styleAsText],
    entryPoints: ["src/editor/editor.js"],
    outfile: path.join(output, "editor.mjs"),
    format: "esm",
  },
  {
    entryPoints: ["src/pages/pages.css", ...PAGES.map((page) => `src/pages/${page}.js`)],
    outdir: output,
    entryNames: "[name]",
    format: "esm",
    external: ["./webots.mjs"],
  },
  {
    // In a folder of their own, which the session server and the simulation servers serve.
    entryPoints: ["src/monitor/monitor.css", ...MONITOR_PAGES.map((page) => `src/monitor/${page}.js`)],
    outdir: path.join(output, "monitor"),
    entryNames: "[name]",
    format: "esm",
  },
];

/** @returns {Promise<object[]>} what esbuild says of each build. */
async function bundle() {
  const results = await Promise.all(BUILDS.map((options) => build({ ...shared, ...options })));
  for (const page of [...PAGES.map((page) => `${page}.html`), "icon.svg"]) {
    await cp(path.join(here, "src/pages", page), path.join(output, page));
  }
  for (const page of MONITOR_PAGES.map((page) => `${page}.html`)) {
    await cp(path.join(here, "src/monitor", page), path.join(output, "monitor", page));
  }
  await cp(path.join(here, "src/pages/icon.svg"), path.join(output, "monitor", "icon.svg"));
  for (const file of ["robot_window/robot_window.js", "webots.d.ts", "webots.d.mts"]) {
    await cp(path.join(here, "src", file), path.join(output, path.basename(file)));
  }
  return results.map(({ metafile }) => metafile);
}

async function copyXIte() {
  for (const file of X_ITE_FILES) {
    await cp(path.join(xIte, "dist", file), path.join(output, "x_ite", file), { recursive: true });
  }
}

/** Servers that serve nothing but the monitor pages pass on what is in them. */
async function writeMonitorLicenses(metafiles) {
  const packages = await Promise.all(bundledPackages(metafiles, here).map((folder) => licenseOf(folder)));
  await writeFile(
    path.join(output, "monitor", "LICENSES.txt"),
    ["The monitor pages are part of webots-cloud (Apache-2.0), and hold parts of the packages below.", ...packages.map(licenseSection), ""].join("\n\n"),
  );
}

async function writeLicenses(metafiles) {
  const packages = await Promise.all([
    licenseOf(xIte, ["LICENSES/Apache-2.0.txt", "dist/assets/fonts/PT_Sans/OFL.txt"]),
    ...bundledPackages(metafiles, here).map((folder) => licenseOf(folder)),
  ]);
  await writeFile(
    path.join(output, "LICENSES.txt"),
    [
      "webots.js, webots.mjs, editor.mjs and the pages are part of webots-cloud (Apache-2.0). The folder x_ite holds files\n" +
        "of X_ITE as published on npm, and the font PT Sans that comes with it (SIL Open Font License); editor.mjs and the\n" +
        "folder monitor hold parts of the other packages below. Their licences follow.",
      ...packages.map(licenseSection),
      "",
    ].join("\n\n"),
  );
}

await mkdir(output, { recursive: true });
const metafiles = await bundle();
await copyXIte();
await writeLicenses(metafiles);
await writeMonitorLicenses([metafiles.at(-1)]);

// Makes the browser files: `node build.mjs FOLDER` fills the new folder FOLDER from src/ and from the installed x_ite.
// Called by setup.py, which puts the finished folder in place as static/.
import { build } from "esbuild";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

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

const shared = { bundle: true, minify: true, target: "es2022", absWorkingDir: here, logLevel: "warning" };

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

async function bundle() {
  await build({
    ...shared,
    plugins: [styleAsText],
    entryPoints: ["src/classic.js"],
    outfile: path.join(output, "webots.js"),
    format: "iife",
    // A classic script finds the files beside it through its own element, a module through import.meta.
    define: { "import.meta.url": "document.currentScript.src" },
  });
  await build({
    ...shared,
    plugins: [styleAsText],
    entryPoints: ["src/webots.js"],
    outfile: path.join(output, "webots.mjs"),
    format: "esm",
  });
  await build({
    ...shared,
    entryPoints: ["src/pages/pages.css", "src/pages/index.js", "src/pages/simulation.js"],
    outdir: output,
    entryNames: "[name]",
    format: "esm",
    external: ["./webots.mjs"],
  });
  for (const page of ["index.html", "simulation.html", "icon.svg"]) {
    await cp(path.join(here, "src/pages", page), path.join(output, page));
  }
}

async function copyXIte() {
  for (const file of X_ITE_FILES) {
    await cp(path.join(xIte, "dist", file), path.join(output, "x_ite", file), { recursive: true });
  }
}

async function writeLicenses() {
  const { name, version, license } = JSON.parse(await readFile(path.join(xIte, "package.json"), "utf8"));
  const texts = await Promise.all(
    [
      "dist/LICENSE.md",
      "dist/assets/fonts/PT_Sans/OFL.txt",
    ].map((file) => readFile(path.join(xIte, file), "utf8")),
  );
  await writeFile(
    path.join(output, "LICENSES.txt"),
    [
      "webots.js, webots.mjs and the pages are part of webots-cloud (Apache-2.0).",
      `The folder x_ite holds files of ${name} ${version} (${license}) as published on npm, and the font PT Sans that`,
      "comes with it (SIL Open Font License). Their licences follow.",
      ...texts.map((text) => text.trim()),
      "",
    ].join("\n\n"),
  );
}

await mkdir(output, { recursive: true });
await bundle();
await copyXIte();
await writeLicenses();

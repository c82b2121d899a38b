// Where a page looks for the session server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readSite } from "../../webots_cloud/web/src/pages/site.js";

async function sessionServerOf(page, told) {
  globalThis.location = new URL(page);
  globalThis.fetch = async () => Response.json({ sessionServer: told, projects: [], user: null });
  return (await readSite()).sessionServer;
}

test("a page uses the session server that its site names", async () => {
  assert.equal(await sessionServerOf("https://host/", "wss://other/1999/"), "wss://other/1999");
});

test("a site that names none has one at port 1999", async () => {
  assert.equal(await sessionServerOf("http://host:8080/", ""), "ws://host:1999");
});

test("an encrypted page asks the web server that encrypts it, as nothing else is allowed to it", async () => {
  assert.equal(await sessionServerOf("https://host/simulation.html", ""), "wss://host/1999");
  assert.equal(await sessionServerOf("https://host:8443/", ""), "wss://host:8443/1999");
});

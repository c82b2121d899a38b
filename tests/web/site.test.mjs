// What pages know of the site, and what they ask of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, read, simulationPage, worldName } from "../../webots_cloud/web/src/pages/site.js";

async function sessionServerOf(page, told) {
  globalThis.location = new URL(page);
  globalThis.fetch = async () => Response.json({ sessionServer: told, projects: [], user: null });
  return (await read("projects.json")).sessionServer;
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

/** Have the website answer; gives what it was asked. */
function answer(body, status = 200) {
  const asked = [];
  globalThis.fetch = async (path, options) => {
    asked.push({ path, ...options });
    return new Response(body, { status });
  };
  return asked;
}

test("what is asked in the visitor's name has the token that the page was told last", async () => {
  globalThis.location = new URL("http://host/");
  answer(JSON.stringify({ user: { formToken: "first" } }));
  await read("account/saved.json");
  const asked = answer(JSON.stringify({ user: { formToken: "second" } }));
  await ask("log-in", { name: "Ada", password: "correct horse" });
  await ask("log-out");
  assert.deepEqual(
    asked.map(({ path, headers, body }) => [path, headers["X-CSRF-Token"], body]),
    [
      ["account/log-in", "first", '{"name":"Ada","password":"correct horse"}'],
      ["account/log-out", "second", "{}"],
    ],
  );
  assert.ok(asked.every(({ method, signal }) => method === "POST" && signal instanceof AbortSignal));
});

test("a refusal is told in the website's own words, with its field", async () => {
  answer('{"error": "This name is taken; choose another one.", "field": "name"}', 409);
  await assert.rejects(ask("sign-up", {}), { message: "This name is taken; choose another one.", field: "name" });
});

for (const [body, status] of [
  ["<html>gateway</html>", 502],
  ["null", 200],
  ['"text"', 200],
  ["{}", 500],
]) {
  test(`an answer that is none is told in a sentence: ${status} ${body}`, async () => {
    answer(body, status);
    await assert.rejects(read("projects.json"), { message: /does not answer as it should/ });
  });
}

test("a website that cannot be reached is told in a sentence", async () => {
  globalThis.fetch = async () => {
    throw new TypeError("failed");
  };
  await assert.rejects(ask("log-out"), { message: /does not answer as it should/ });
});

test("names are escaped in addresses, and shown as people read them", () => {
  const project = { name: "a&b=c", worlds: ["x y.wbt"] };
  assert.equal(simulationPage(project), "simulation.html?project=a%26b%3Dc&world=x+y.wbt");
  assert.equal(worldName("four_wheels.wbt"), "four wheels");
});

// Tests the driver: by a cluster's life, and where caproni is on PATH by the rules of the protocol.
"use strict";

const assert = require("node:assert/strict");
const { once } = require("node:events");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { spawn, spawnSync } = require("node:child_process");
const { createInterface } = require("node:readline");
const { test } = require("node:test");

const DRIVER = path.join(__dirname, "caproni-driver-{{name}}");

/** Sends a request, and gives the result of its reply. */
async function ask(driver, replies, method, params) {
  driver.stdin.write(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }) + "\n");
  for (;;) {
    const { value: line, done } = await replies.next();
    assert(!done, `it ended, or was too slow, and has not answered \`${method}\``);
    const message = JSON.parse(line);
    if (!("id" in message)) continue; // progress
    assert("result" in message, line);
    return message.result;
  }
}

test("a cluster lives from start to destroy", async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "caproni-driver-"));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const env = { ...process.env, CAPRONI_STATE_DIR: folder };
  // One that hangs is ended, and then its output ends too.
  const driver = spawn(DRIVER, { env, stdio: ["pipe", "pipe", "inherit"], timeout: 60_000 });
  const replies = createInterface({ input: driver.stdout })[Symbol.asyncIterator]();
  const exit = once(driver, "exit");
  const offer = { protocolVersions: [1], host: { name: "test", version: "1" } };
  assert.equal((await ask(driver, replies, "initialize", offer)).name, "{{name}}");
  for (const [method, field, value] of [
    ["status", "exists", false],
    ["start", "change", "created"],
    ["start", "change", "none"],
    ["status", "state", "ready"],
    ["stop", "change", "stopped"],
    ["status", "state", "stopped"],
    ["start", "change", "started"],
    ["destroy", "change", "destroyed"],
    ["status", "exists", false],
  ]) {
    const result = await ask(driver, replies, method, { profile: "demo", config: {} });
    assert.equal(result[field], value, method);
  }
  driver.stdin.end();
  assert.deepEqual(await exit, [0, null]);
});

const caproni = (words) => spawnSync("caproni", words, { encoding: "utf8" });
const skip = caproni(["--version"]).error && "the rules are checked where caproni is on PATH";

test("it breaks no rule", { skip }, () => {
  const check = caproni(["drivers", "check", "--destructive", DRIVER]);
  assert.equal(check.status, 0, check.stdout + check.stderr);
});

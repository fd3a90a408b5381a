// A headless Chromium, driven by the DevTools protocol over a pipe: no port is opened.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SECONDS = 60; // until an answer of Chromium must be there

// Starts Chromium with one tab. The result has `send(method, params)`, `on(method, listener)` and `close()`.
export async function start() {
  const profile = mkdtempSync(join(tmpdir(), "docs-check-"));
  const flags = ["--headless=new", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "--no-first-run",
    "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--no-default-browser-check", "--disable-dev-shm-usage", "--force-color-profile=srgb"];
  if (process.getuid() === 0) flags.push("--no-sandbox"); // Chromium refuses root otherwise; all pages are our own
  const child = spawn(process.env.CHROMIUM || "chromium", [...flags, "about:blank"],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const [, , , input, output] = child.stdio;
  const waiting = new Map();
  const listeners = new Map();
  let last = 0;
  let session;

  function fail(problem) {
    for (const one of waiting.values()) one.reject(problem);
    waiting.clear();
  }
  child.on("error", (problem) => fail(new Error(`chromium cannot be started: ${problem.message}`)));
  child.on("exit", (code) => fail(new Error(`chromium ended with exit status ${code}`)));
  input.on("error", () => {});

  let rest = "";
  output.setEncoding("utf8");
  output.on("data", (data) => {
    const messages = (rest + data).split("\0");
    rest = messages.pop();
    for (const text of messages) {
      const message = JSON.parse(text);
      const one = waiting.get(message.id);
      waiting.delete(message.id);
      if (one && message.error) one.reject(new Error(`${one.method}: ${message.error.message}`));
      else if (one) one.resolve(message.result);
      else for (const listener of listeners.get(message.method) || []) listener(message.params);
    }
  });

  function send(method, params = {}) {
    return new Promise((resolve, reject) => {
      const id = ++last;
      const timer = setTimeout(() => reject(new Error(`${method}: nothing within ${SECONDS} s`)), SECONDS * 1000);
      const done = (settle) => (value) => { clearTimeout(timer); settle(value); };
      waiting.set(id, { method, resolve: done(resolve), reject: done(reject) });
      input.write(JSON.stringify({ id, method, params, sessionId: session }) + "\0");
    });
  }

  function on(method, listener) {
    listeners.set(method, [...(listeners.get(method) || []), listener]);
  }

  async function close() {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    session = undefined;
    send("Browser.close").catch(() => {});
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(timer);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }

  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  ({ sessionId: session } = await send("Target.attachToTarget", { targetId, flatten: true }));
  return { send, on, close };
}

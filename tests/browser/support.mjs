// What every test of the console starts from: a node of its own, a browser, somebody who is signed in.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const binary = process.env.NRWDIREKT_TEST_BINARY;
const screenshots = process.env.NRWDIREKT_SCREENSHOTS;
const axeFile = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Sizes of screens that agents, supervisors and people on the move have. */
export const SCREENS = {
  office: { width: 1366, height: 768 },
  wall: { width: 1920, height: 1080 },
  phone: { width: 390, height: 844 },
};

/** A node in a process of its own. With `demo`, there are the demo users and a simulated day. */
export async function startNode({ demo = true, settings = [] } = {}) {
  const home = await mkdtemp(join(tmpdir(), "nrwdirekt-browser."));
  const state = join(home, "state");
  const node = {
    home,
    state,
    data: join(home, "data"),
    /** What was printed before it was ready: the first password of the administrator among it. */
    said: [],
    async run() {
      const words = ["up", "--data", node.data, "--listen", node.listen ?? "127.0.0.1:0"];
      if (!demo) words.push("--empty");
      for (const setting of settings) words.push("--set", setting);
      const env = { ...process.env, XDG_STATE_HOME: state, NRWDIREKT_LOG: "warn" };
      node.process = spawn(binary, words, { env, stdio: ["ignore", "pipe", "pipe"] });
      node.log = "";
      node.process.stderr.on("data", (data) => (node.log += data));
      node.ended = new Promise((resolve) => node.process.once("exit", resolve));
      const lines = createInterface({ input: node.process.stdout });
      for await (const line of lines) {
        node.said.push(line);
        const ready = line.match(/^ready (\S+)$/);
        if (ready) {
          node.url = ready[1];
          node.listen = new URL(node.url).host;
          lines.on("line", (later) => node.said.push(later));
          return node;
        }
      }
      throw new Error(`the node ended before it was ready\n${node.log}`);
    },
    async kill() {
      node.process.kill("SIGKILL");
      await node.ended;
    },
    /** Runs a command that finds the node; gives what it printed. */
    command(...words) {
      return new Promise((resolve, reject) => {
        const env = { ...process.env, XDG_STATE_HOME: state, NRWDIREKT_SERVER: node.url };
        const child = spawn(binary, words, { env, stdio: ["ignore", "pipe", "pipe"] });
        let out = "";
        let err = "";
        child.stdout.on("data", (data) => (out += data));
        child.stderr.on("data", (data) => (err += data));
        child.once("error", reject);
        child.once("exit", (code) => (code === 0 ? resolve(out) : reject(new Error(`${words.join(" ")}: ${code}\n${err}`))));
      });
    },
    async token() {
      const port = new URL(node.url).port;
      return (await readFile(join(state, "nrwdirekt", `operator-${port}.token`), "utf8")).trim();
    },
    async stop() {
      node.process.kill("SIGTERM");
      const code = await node.ended;
      await rm(home, { recursive: true, force: true });
      assert.equal(code, 0, `the node ended badly\n${node.log}`);
    },
  };
  return node.run();
}

/** Reports life-cycle events of a call that go on now; `seconds` says how long ago each was. */
export async function reportCall(node, call, events) {
  const line = ({ seconds = 0, ...event }) =>
    JSON.stringify({ call_id: call, event: { at: new Date(Date.now() - seconds * 1000).toISOString(), ...event } });
  const file = join(node.home, `${call}.jsonl`);
  await writeFile(file, events.map((event) => `${line(event)}\n`).join(""));
  await node.command("import", "--format", "jsonl", "--wait", file);
}

/** How a call begins that comes in by telephone. */
export function arrived(hotline, caller) {
  return {
    task_type: "inbound_call",
    hotline,
    caller,
    dialled_address: "0211 4710100",
    direct_topic_dial: false,
    external_contact: true,
    inbound_contact: true,
    out_cc_contact: false,
  };
}

/** A browser without a trace of former ones. */
export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A window of somebody who is signed in; `name` is the password of demo users too. What the page reports as an error fails the test. */
export async function signIn(browser, node, name, { password = name, ...options } = {}) {
  const context = await browser.newContext({
    baseURL: node.url,
    locale: "de-DE",
    timezoneId: "Europe/Berlin",
    viewport: SCREENS.office,
    ...options,
  });
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    // A page that is not there, or not for this role, is what some tests ask for.
    // And a stream of events ends, or is not begun any more, when the page is left.
    const expected = /Failed to load resource|htmx:sse:error|Failed to fetch/;
    if (message.type() === "error" && !expected.test(message.text())) page.faults.push(message.text());
  });
  await page.goto("/anmelden");
  await page.fill("#name", name);
  await page.fill("#kennwort", password);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname !== "/anmelden");
  return page;
}

/** Nothing that keeps people out, by axe's rules for WCAG 2.2 A and AA. */
export async function assertAccessible(page, what) {
  // Not as an element of the page, whose policy lets no other script in.
  await page.evaluate(await readFile(axeFile, "utf8"));
  const found = await page.evaluate(() =>
    window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  const serious = found.violations.filter((rule) => ["serious", "critical"].includes(rule.impact));
  const told = serious.map((rule) => `${rule.id}: ${rule.help}\n  ${rule.nodes.map((node) => node.html).join("\n  ")}`);
  assert.equal(serious.length, 0, `${what}:\n${told.join("\n")}`);
}

/** Keeps a picture of the page where a folder for them is named. */
export async function picture(page, name) {
  if (!screenshots) return;
  await mkdir(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

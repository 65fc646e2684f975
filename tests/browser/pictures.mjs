// Pictures for the README: `ops/screenshots/make`.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { SCREENS, signIn, startBrowser, startNode } from "./support.mjs";

const folder = process.env.NRWDIREKT_SCREENSHOTS;
const today = new Date().toLocaleDateString("sv-SE", { timeZone: "Europe/Berlin" });

/** Calls of this moment: some wait, some talk. */
async function traffic(node) {
  const at = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();
  const lines = [];
  const event = (call, seconds, what) => lines.push(JSON.stringify({ call_id: call, event: { at: at(seconds), visit: "1", ...what } }));
  const queued = (call, hotline, seconds) => event(call, seconds, { queued: { hotline } });
  queued("jetzt-1", "Steuern und Finanzen", 47);
  queued("jetzt-2", "Steuern und Finanzen", 21);
  queued("jetzt-3", "Bürgertelefon", 8);
  for (const [call, hotline, seconds] of [["jetzt-4", "Bürgertelefon", 190], ["jetzt-5", "Umwelt", 75], ["jetzt-6", "Schule und Bildung", 300]]) {
    queued(call, hotline, seconds + 12);
    event(call, seconds + 4, { ringing: { agent: `service-00${call.at(-1)}` } });
    event(call, seconds, { answered: { agent: `service-00${call.at(-1)}` } });
  }
  const file = join(node.home, "jetzt.jsonl");
  await writeFile(file, `${lines.join("\n")}\n`);
  await node.command("import", "--format", "jsonl", "--wait", file);
}

test("pictures", async () => {
  const node = await startNode();
  const browser = await startBrowser();
  const photograph = async (page, name) => {
    await page.waitForTimeout(1200);
    await page.screenshot({ path: join(folder, `${name}.png`) });
  };
  try {
    await node.command("simulate", "--from", today, "--wait");
    await traffic(node);
    const anna = await signIn(browser, node, "anna");
    await anna.selectOption("#hotline", "Steuern und Finanzen");
    const entered = { name: "Mustermann", first_name: "Erika", postal_code: "50667", phone: "0221 4710123", concern: "Frage zum Steuerbescheid 2025: Warum wurde die Pauschale nicht anerkannt?" };
    for (const [field, text] of Object.entries(entered)) await anna.fill(`[name="feld.${field}"]`, text);
    await anna.locator("#zustaendig", { hasText: "Fällig" }).waitFor();
    await photograph(anna, "anrufplatz");
    const sabine = await signIn(browser, node, "sabine");
    await sabine.goto("/warteschlangen");
    await photograph(sabine, "live");
    await sabine.goto(`/verlauf?von=${today}&bis=${today}`);
    await photograph(sabine, "verlauf");
    const wall = await signIn(browser, node, "sabine", { viewport: SCREENS.wall, colorScheme: "dark" });
    await wall.goto("/wandtafel");
    await photograph(wall, "wandtafel");
    const office = await signIn(browser, node, "fk-koeln");
    await office.locator("#liste a").first().click();
    await photograph(office, "eingang");
  } finally {
    await browser.close();
    await node.stop();
  }
});

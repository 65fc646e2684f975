// Pictures for the README: `ops/screenshots/make`.

import { join } from "node:path";
import { test } from "node:test";
import { SCREENS, arrived, reportCall, signIn, startBrowser, startNode } from "./support.mjs";

const folder = process.env.NRWDIREKT_SCREENSHOTS;
const today = new Date().toLocaleDateString("sv-SE", { timeZone: "Europe/Berlin" });

/** Calls of this moment: some wait, some talk, one with the agent whose desk is shown. */
async function traffic(node) {
  const waiting = [["Steuern und Finanzen", 47], ["Steuern und Finanzen", 21], ["Bürgertelefon", 8]];
  for (const [number, [hotline, seconds]] of waiting.entries()) {
    await reportCall(node, `wartet-${number}`, [{ seconds, visit: "1", queued: { hotline } }]);
  }
  const talking = [["Bürgertelefon", 190, "service-004"], ["Umwelt", 75, "service-005"], ["Steuern und Finanzen", 40, "service-001"]];
  for (const [number, [hotline, seconds, agent]] of talking.entries()) {
    await reportCall(node, `spricht-${number}`, [
      { seconds: seconds + 24, arrived: arrived(hotline, "0221 4710123") },
      { seconds: seconds + 22, visit: "1", queued: { hotline } },
      { seconds: seconds + 4, visit: "1", ringing: { agent } },
      { seconds, visit: "1", answered: { agent } },
    ]);
  }
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
    await anna.locator("#anruf", { hasText: "4710123" }).waitFor();
    const entered = { name: "Mustermann", first_name: "Erika", postal_code: "50667", concern: "Frage zum Steuerbescheid 2025: Warum wurde die Pauschale nicht anerkannt?" };
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

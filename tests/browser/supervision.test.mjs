// The wallboard and the figures behind it: the same numbers everywhere, at once, and after a crash.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SCREENS, assertAccessible, picture, reportCall, signIn, startBrowser, startNode } from "./support.mjs";

const HOTLINE = "Steuern und Finanzen";
let node;
let browser;
before(async () => {
  node = await startNode();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await node?.stop();
});

/** What the command line says of the hotline at this moment. */
async function live() {
  const moment = JSON.parse(await node.command("report", "live", "--json"));
  return moment.groups.find((group) => group.group === HOTLINE);
}

const tile = (page) => page.locator("article.tile", { hasText: HOTLINE });

test("the wallboard shows who waits within seconds, and says what the command line says, after a crash too", async () => {
  const page = await signIn(browser, node, "sabine");
  await page.goto("/warteschlangen");
  const before = (await live()).waiting;
  await reportCall(node, "anruf-1", [{ visit: "1", queued: { hotline: HOTLINE } }]);
  await page.waitForFunction(
    ([hotline, waiting]) => {
      const tiles = [...document.querySelectorAll("article.tile")];
      const text = tiles.find((it) => it.textContent.includes(hotline))?.querySelector(".big")?.textContent;
      return text === String(waiting);
    },
    [HOTLINE, before + 1],
  );
  assert.equal((await live()).waiting, before + 1);
  await assertAccessible(page, "the wallboard while somebody waits");
  await picture(page, "warteschlangen");
  await node.kill();
  await page.locator("#unterbrochen").waitFor();
  await node.run();
  await page.locator("#unterbrochen").waitFor({ state: "hidden" });
  assert.equal(await tile(page).locator(".big").first().textContent(), String(before + 1));
  await reportCall(node, "anruf-1", [{ visit: "1", answered: { agent: "Anna" } }]);
  await page.waitForFunction(
    ([hotline, waiting]) => {
      const tiles = [...document.querySelectorAll("article.tile")];
      return tiles.find((it) => it.textContent.includes(hotline))?.querySelector(".big")?.textContent === String(waiting);
    },
    [HOTLINE, before],
  );
  await page.context().close();
});

test("the big screen fits a wall", async () => {
  const page = await signIn(browser, node, "sabine", { viewport: SCREENS.wall });
  await page.goto("/wandtafel");
  await page.locator("article").first().waitFor();
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  assert.ok(height <= SCREENS.wall.height, `nothing is below the edge: ${height}`);
  await picture(page, "wandtafel");
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

// Every page of the navigation, for everybody who has it: nothing keeps people out, nothing is too heavy, nothing sticks out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SCREENS, assertAccessible, picture, signIn, startBrowser, startNode } from "./support.mjs";

const USERS = ["anna", "sabine", "fk-koeln", "dora", "admin"];
/** What a page may load at most, with everything that belongs to it, as it goes over the network. */
const BYTES_MAX = 150 * 1024;

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

/** The places of the navigation with their tabs, and one page behind each list. */
async function places(page) {
  const paths = await page.$$eval("header nav a", (links) => links.map((link) => link.getAttribute("href")));
  const behind = [];
  for (const path of paths) {
    await page.goto(path);
    const tabs = await page.$$eval("main nav a[href^='/']", (links) => links.map((link) => link.getAttribute("href")));
    behind.push(...tabs.filter((tab) => !paths.includes(tab) && !tab.includes("?")));
    const first = page.locator("#liste a[href^='/']").first();
    if ((await first.count()) > 0) behind.push(await first.getAttribute("href"));
  }
  return [...new Set([...paths, ...behind, "/kennwort"])];
}

for (const user of USERS) {
  test(`what ${user} sees can be used by everybody, in light and dark`, async () => {
    for (const colorScheme of ["light", "dark"]) {
      const page = await signIn(browser, node, user, { colorScheme });
      const paths = await places(page);
      assert.ok(paths.length > 1, `${user} has places to go`);
      for (const path of paths) {
        const answer = await page.goto(path);
        assert.equal(answer.status(), 200, path);
        assert.equal(await page.locator("h1").count(), 1, `${path} has one heading above all`);
        await assertAccessible(page, `${path}, ${colorScheme}`);
        await picture(page, `${user}${path.replaceAll("/", "-")}-${colorScheme}`);
      }
      assert.deepEqual(page.faults, []);
      await page.context().close();
    }
  });

  test(`what ${user} sees is light enough for an old office PC, and fits a telephone`, async () => {
    const page = await signIn(browser, node, user, { viewport: SCREENS.phone });
    for (const path of await places(page)) {
      // A context of its own has an empty cache.
      const fresh = await page.context().browser().newContext({
        baseURL: node.url,
        storageState: await page.context().storageState(),
        viewport: SCREENS.phone,
      });
      const alone = await fresh.newPage();
      await alone.goto(path);
      const bytes = await alone.evaluate(() =>
        [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
          .filter((entry) => !/strom/.test(entry.name))
          .reduce((sum, entry) => sum + entry.transferSize, 0),
      );
      assert.ok(bytes > 0 && bytes <= BYTES_MAX, `${path} loads ${Math.round(bytes / 1024)} KiB`);
      const width = await alone.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= SCREENS.phone.width, `${path} is ${width} pixels wide on a telephone`);
      await fresh.close();
    }
    await page.context().close();
  });
}

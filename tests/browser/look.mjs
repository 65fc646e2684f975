// look.mjs: every page of a role, in light and dark, on three screens, as pictures. For people:
//
//   NRWDIREKT_SCREENSHOTS=DIR NRWDIREKT_TEST_BINARY=… node tests/browser/look.mjs [USER…]

import { SCREENS, picture, signIn, startBrowser, startNode } from "./support.mjs";

const users = process.argv.length > 2 ? process.argv.slice(2) : ["anna", "sabine", "fk-koeln", "dora", "admin"];
const node = await startNode();
const browser = await startBrowser();
try {
  for (const user of users) {
    for (const [screen, viewport] of Object.entries(SCREENS)) {
      for (const colorScheme of ["light", "dark"]) {
        const page = await signIn(browser, node, user, { viewport, colorScheme });
        const paths = await page.$$eval("header nav a", (links) => links.map((link) => link.getAttribute("href")));
        for (const path of paths) {
          await page.goto(path);
          await page.waitForTimeout(800);
          await picture(page, `${user}${path.replaceAll("/", "-")}-${screen}-${colorScheme}`);
        }
        await page.context().close();
      }
    }
  }
} finally {
  await browser.close();
  await node.stop();
}

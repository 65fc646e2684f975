// Signing in and out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, picture, signIn, startBrowser, startNode } from "./support.mjs";

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser?.close());

test("the administrator of a new installation signs in with the printed password, and must choose another", async () => {
  const node = await startNode({ demo: false });
  try {
    const printed = node.said.join("\n").match(/admin\S*\s.*?([A-Za-z0-9-]{12,})/)?.[1];
    assert.ok(printed, `a first password is printed: ${node.said.join(" | ")}`);
    assert.ok(!node.log.includes(printed), "and not logged");
    const page = await signIn(browser, node, "admin", { password: printed });
    assert.equal(new URL(page.url()).pathname, "/kennwort");
    await page.goto("/benutzer");
    assert.equal(new URL(page.url()).pathname, "/kennwort", "nothing else is allowed before");
    await page.fill("#bisher", printed);
    await page.fill("#neu", "ein langes neues Kennwort");
    await page.fill("#wiederholt", "ein langes neues Kennwort");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === "/benutzer");
    await page.context().close();
    const again = await signIn(browser, node, "admin", { password: "ein langes neues Kennwort" });
    assert.equal(new URL(again.url()).pathname, "/benutzer");
    assert.equal(await again.locator("text=Vorführung").count(), 0, "no demo without demo data");
    await again.context().close();
  } finally {
    await node.stop();
  }
});

test("whoever is not signed in is asked to, and goes on where he or she wanted to", async () => {
  const node = await startNode();
  try {
    const context = await browser.newContext({ baseURL: node.url });
    const page = await context.newPage();
    await page.goto("/verlauf");
    assert.equal(new URL(page.url()).pathname, "/anmelden");
    await assertAccessible(page, "signing in");
    await picture(page, "anmelden");
    await page.fill("#name", "sabine");
    await page.fill("#kennwort", "falsch");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    assert.match(await page.getByRole("alert").textContent(), /stimmen nicht/);
    await page.fill("#kennwort", "sabine");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === "/verlauf");

    const cookies = await context.cookies();
    assert.equal(cookies.length, 1, "one cookie, and that is needed");
    assert.ok(cookies[0].httpOnly && cookies[0].sameSite === "Lax");
    await page.getByRole("button", { name: "Abmelden" }).click();
    await page.waitForURL((url) => url.pathname === "/anmelden");
    // The session is over at the server, too.
    await context.addCookies(cookies);
    await page.goto("/verlauf");
    assert.equal(new URL(page.url()).pathname, "/anmelden");
    await context.close();
  } finally {
    await node.stop();
  }
});

test("a link to another site is no target after signing in", async () => {
  const node = await startNode();
  try {
    for (const target of ["https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example"]) {
      const context = await browser.newContext({ baseURL: node.url });
      const page = await context.newPage();
      await page.goto(`/anmelden?ziel=${encodeURIComponent(target)}`);
      await page.fill("#name", "anna");
      await page.fill("#kennwort", "anna");
      await page.keyboard.press("Enter");
      await page.waitForURL((url) => url.pathname !== "/anmelden");
      assert.equal(new URL(page.url()).origin, node.url, target);
      await context.close();
    }
  } finally {
    await node.stop();
  }
});

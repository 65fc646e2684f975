// The rights of data subjects: a person is erased from the console, and departments confirm what they were told.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SCREENS, assertAccessible, picture, signIn, startBrowser, startNode } from "./support.mjs";

let node;
let browser;
before(async () => {
  node = await startNode({ settings: ["privacy.erasure_bound_s=10"] });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await node?.stop();
});

/** Logs a callback for Cologne's tax office; gives the ticket's number. */
async function log(name, phone) {
  const words = ["--postal-code", "50667", "--concern", "Frage zum Bescheid", "--json"];
  const logged = await node.command("callback", "log", "--hotline", "Steuern und Finanzen", "--name", name, "--phone", phone, ...words);
  return JSON.parse(logged).ticket_id;
}

test("a person is found, what an erasure reaches is shown, and it is carried out", async () => {
  const ticket = await log("Zwetschgenbaum", "0221 4783119");
  const page = await signIn(browser, node, "dora");
  await page.goto("/betroffene");
  await page.fill("#name", "Zwetschgenbaum");
  await page.locator("#suche button").press("Enter");
  await page.locator("summary", { hasText: "Löschen (Art. 17)" }).press("Enter");
  await page.fill("#loeschgrund-1", "Antrag nach Art. 17 DSGVO");
  await picture(page, "betroffene-person");
  await assertAccessible(page, "a person");
  await page.locator("button", { hasText: "Löschung vorbereiten" }).press("Enter");
  await page.locator("#umfang", { hasText: ticket }).waitFor();
  assert.match(await page.locator("#bleibt").textContent(), /Sicherungen/);
  assert.doesNotMatch(page.url(), /Zwetschgen|478/);
  await assertAccessible(page, "the plan of an erasure");
  await picture(page, "betroffene-loeschplan");
  await page.setViewportSize(SCREENS.phone);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= SCREENS.phone.width, `the plan is ${width} pixels wide on a telephone`);
  await page.setViewportSize(SCREENS.office);
  await page.locator("#loeschen input[type=checkbox]").check();
  await page.locator("#loeschen button").press("Enter");
  await page.waitForURL((url) => url.pathname.startsWith("/loeschungen/E-"));
  await assertAccessible(page, "an erasure");
  await picture(page, "loeschung");
  for (let tries = 0; !/Abgeschlossen/.test(await page.locator("#stand").textContent()); tries += 1) {
    assert.ok(tries < 120, "the erasure comes to its end");
    await page.waitForTimeout(500);
    await page.locator("a", { hasText: "Neu laden" }).click();
  }
  await picture(page, "loeschung-fertig");
  await page.goto("/loeschungen");
  await assertAccessible(page, "erasures");
  assert.doesNotMatch(await page.content(), /Zwetschgenbaum/);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("a department confirms what was put right, restricted and erased", async () => {
  const rectified = await log("Gros", "0221 4783120");
  const restricted = await log("Kleinlich", "0221 4783121");
  await node.command("privacy", "rectify", rectified, "--field", "name=Groß", "--reason", "Schreibfehler");
  await node.command("privacy", "restrict", "--ticket", restricted, "--reason", "bestritten");
  const page = await signIn(browser, node, "fk-koeln");
  await page.locator("#mitteilungen a").press("Enter");
  await page.waitForURL((url) => url.pathname === "/eingang/mitteilungen");
  const rows = page.locator("#liste tbody tr");
  assert.match(await rows.filter({ hasText: rectified }).textContent(), /Groß/);
  assert.doesNotMatch(await page.content(), /Kleinlich|4783121/);
  await assertAccessible(page, "what is to be confirmed");
  await picture(page, "eingang-mitteilungen");
  await page.setViewportSize(SCREENS.phone);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= SCREENS.phone.width, `the list is ${width} pixels wide on a telephone`);
  await page.setViewportSize(SCREENS.office);
  while ((await rows.count()) > 0) {
    const before = await rows.count();
    await rows.first().locator("button").press("Enter");
    await page.locator("#getan").waitFor();
    await page.waitForFunction((before) => document.querySelectorAll("#liste tbody tr").length < before, before);
    await page.goto("/eingang/mitteilungen");
  }
  const waiting = await node.command("privacy", "recipients", "--waiting", "--json");
  assert.doesNotMatch(waiting, new RegExp(`${rectified}|${restricted}`));
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

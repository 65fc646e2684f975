// The agent's desk: a callback in twenty seconds, without a mouse, once, and never lost.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { arrived, assertAccessible, picture, reportCall, signIn, startBrowser, startNode } from "./support.mjs";

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

/** How many tickets there are of a citizen's number. */
async function ticketsOf(phone) {
  const found = await node.command("ticket", "find", "--phone", phone, "--json");
  return found.split("\n").filter(Boolean).length;
}

/** Types a callback as somebody would who never touches the mouse. */
async function typeCallback(page, phone, concern) {
  const keys = page.keyboard;
  await keys.press("Alt+h");
  await keys.type("Steuern");
  await keys.press("Alt+p");
  for (const text of ["Frau", "Beispiel", "Erika"]) {
    await keys.type(text);
    await keys.press("Tab");
  }
  await keys.press("Alt+k");
  await page.locator('[name="feld.phone"]').focus();
  await keys.type(phone);
  await page.locator('[name="feld.postal_code"]').focus();
  await keys.type("50667");
  await keys.press("Alt+a");
  await keys.type(concern);
}

test("a callback is logged by keyboard alone, with department and due time seen before it is sent", async () => {
  const page = await signIn(browser, node, "anna");
  assert.equal(new URL(page.url()).pathname, "/platz");
  await typeCallback(page, "0221 4710011", "Frage zum Steuerbescheid 2025");
  await page.locator("#zustaendig", { hasText: "Finanzämter Köln" }).waitFor();
  await page.locator("#zustaendig", { hasText: "Fällig" }).waitFor();
  await page.waitForFunction(() => document.querySelector('[name="feld.town"]').value === "Köln");
  await assertAccessible(page, "a desk that is filled in");
  await picture(page, "anrufplatz");
  await page.keyboard.press("Control+Enter");
  await page.locator("#bestaetigung").waitFor();
  assert.match(await page.locator("#bestaetigung").textContent(), /T-[0-9A-Z]{4}-[0-9A-Z]{4}/);
  assert.match(await page.locator("#bestaetigung").textContent(), /Finanzämter Köln/);
  await picture(page, "anrufplatz-bestaetigung");
  // The next one is a key away.
  await page.keyboard.press("Enter");
  await page.locator("#anfrage").waitFor();
  assert.equal(await page.locator('[name="feld.name"]').inputValue(), "", "nothing is left of the one before");
  assert.equal(await ticketsOf("0221 4710011"), 1);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("however often the key is hit, there is one ticket", async () => {
  const page = await signIn(browser, node, "anna");
  await typeCallback(page, "0221 4710012", "Frage zur Lohnsteuerklasse");
  for (let hit = 0; hit < 5; hit += 1) await page.keyboard.press("Control+Enter");
  await page.locator("#bestaetigung").waitFor();
  assert.equal(await ticketsOf("0221 4710012"), 1);
  await page.context().close();
});

test("what is wrong is said at its field while it is typed, and nothing is lost", async () => {
  const page = await signIn(browser, node, "anna");
  await typeCallback(page, "12", "Frage");
  await page.locator('[name="feld.email"]').focus();
  await page.keyboard.type("keine-adresse");
  await page.keyboard.press("Control+Enter");
  const phone = page.locator('[name="feld.phone"]');
  await page.waitForFunction(() => document.querySelector('[name="feld.email"]').getAttribute("aria-invalid") === "true");
  const told = await page.locator(`#${await page.locator('[name="feld.email"]').getAttribute("id")}`).evaluate((input) =>
    input.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" "),
  );
  assert.match(told, /\S/, "the field says what is wrong");
  assert.equal(await phone.inputValue(), "12");
  assert.equal(await page.locator('[name="feld.concern"]').inputValue(), "Frage");
  assert.equal(await page.locator("#bestaetigung").count(), 0);
  await page.context().close();
});

test("a draft outlives its tab", async () => {
  const page = await signIn(browser, node, "anna");
  await typeCallback(page, "0221 4710013", "Frage zur Grundsteuer");
  await page.waitForFunction(() => Object.keys(localStorage).some((key) => key.startsWith("platz:")));
  await page.close();
  const again = await page.context().newPage();
  await again.goto("/platz");
  await again.waitForFunction(() => document.querySelector('[name="feld.concern"]').value === "Frage zur Grundsteuer");
  await again.keyboard.press("Control+Enter");
  await again.locator("#bestaetigung").waitFor();
  assert.equal(await ticketsOf("0221 4710013"), 1);
  assert.equal(await again.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("platz:")).length), 0);
  await again.context().close();
});

test("a lost connection loses nothing: it is sent when the connection is back, once", async () => {
  const page = await signIn(browser, node, "anna");
  await typeCallback(page, "0221 4710014", "Frage zur Hundesteuer");
  await page.context().setOffline(true);
  await page.keyboard.press("Control+Enter");
  await page.locator("#meldung", { hasText: "Keine Verbindung" }).waitFor();
  await page.context().setOffline(false);
  await page.locator("#bestaetigung").waitFor();
  assert.equal(await ticketsOf("0221 4710014"), 1);
  await page.context().close();
});

test("the caller's open ticket is beside the form, and the concern can join it", async () => {
  const page = await signIn(browser, node, "ben");
  await typeCallback(page, "0221 4710015", "Erste Frage");
  await page.keyboard.press("Control+Enter");
  await page.locator("#bestaetigung").waitFor();
  const ticket = await page.locator("#bestaetigung").getAttribute("data-vorgang");
  await page.keyboard.press("Enter");
  await page.locator("#anfrage").waitFor();
  await typeCallback(page, "0221 4710015", "Zweite Frage");
  await page.locator(`#zu-${ticket}`).waitFor();
  await page.keyboard.press("Alt+b");
  await page.locator(`#zu-${ticket}`).check();
  await page.locator("#absenden", { hasText: ticket }).waitFor();
  await page.keyboard.press("Control+Enter");
  await page.locator("#bestaetigung").waitFor();
  assert.equal(await page.locator("#bestaetigung").getAttribute("data-vorgang"), ticket);
  assert.equal(await ticketsOf("0221 4710015"), 1);
  await page.context().close();
});

test("the call that an agent is in fills in number and hotline, and belongs to the ticket", async () => {
  const page = await signIn(browser, node, "anna");
  await page.locator("#anruf", { hasText: "kein laufendes Gespräch" }).waitFor();
  await reportCall(node, "gespraech-1", [
    { seconds: 40, arrived: arrived("Umwelt", "0221 4710017") },
    { seconds: 38, visit: "1", queued: { hotline: "Umwelt" } },
    { seconds: 8, visit: "1", ringing: { agent: "service-001" } },
    { seconds: 4, visit: "1", answered: { agent: "service-001" } },
  ]);
  await page.waitForFunction(() => document.querySelector('[name="feld.phone"]').value.includes("4710017"));
  assert.equal(await page.locator("#hotline").inputValue(), "Umwelt");
  await page.locator("#anruf", { hasText: "0:34" }).waitFor();
  await page.keyboard.press("Alt+a");
  await page.keyboard.type("Frage zum Baumschnitt");
  await page.keyboard.press("Control+Enter");
  await page.locator("#bestaetigung").waitFor();
  const ticket = await page.locator("#bestaetigung").getAttribute("data-vorgang");
  const call = JSON.parse(await node.command("call", "show", "gespraech-1", "--json"));
  const shown = JSON.parse(await node.command("ticket", "show", ticket, "--json"));
  assert.equal(shown.call, call.id);
  await page.context().close();
});

test("the form works without a script, too", async () => {
  const context = await browser.newContext({ baseURL: node.url, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto("/anmelden");
  await page.fill("#name", "anna");
  await page.fill("#kennwort", "anna");
  await page.click("button[type=submit]");
  await page.selectOption("#hotline", "Steuern und Finanzen");
  await page.fill('[name="feld.concern"]', "Frage ohne Nummer");
  await page.click("#absenden");
  assert.equal(await page.locator('[name="feld.concern"]').inputValue(), "Frage ohne Nummer", "kept on a fault");
  await page.fill('[name="feld.phone"]', "0221 4710016");
  await page.click("#absenden");
  await page.locator("#bestaetigung").waitFor();
  assert.equal(await ticketsOf("0221 4710016"), 1);
  await context.close();
});

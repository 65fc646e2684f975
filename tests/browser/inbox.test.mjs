// The inbox of a department, and what it does not show.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, picture, signIn, startBrowser, startNode } from "./support.mjs";

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

/** Logs a callback on the command line; gives the ticket's number. */
async function log(hotline, name, ...words) {
  const logged = JSON.parse(
    await node.command("callback", "log", "--hotline", hotline, "--name", name, "--phone", "0221 4710021", ...words, "--json"),
  );
  return (logged.ticket ?? logged).ticket_id ?? (logged.ticket ?? logged).id ?? logged.ticket;
}

test("a department hears of a new ticket, accepts it, notes an attempt and answers", async () => {
  const page = await signIn(browser, node, "fk-koeln");
  assert.equal(new URL(page.url()).pathname, "/eingang");
  const ticket = await log("Steuern und Finanzen", "Musterfrau", "--postal-code", "50667", "--concern", "Frage zum Bescheid");
  await page.locator("#neues", { hasText: "neu" }).waitFor();
  await page.goto(`/eingang/${ticket}`);
  assert.match(await page.locator("#vorgang").textContent(), /Musterfrau/);
  await assertAccessible(page, "a ticket in the inbox");
  await picture(page, "eingang-vorgang");
  await page.locator("#annehmen button").press("Enter");
  await page.locator("#getan").waitFor();
  await page.locator("#versuch select").selectOption({ index: 1 });
  await page.locator("#versuch textarea").fill("Mailbox besprochen");
  await page.locator("#versuch button").press("Enter");
  await page.locator("#vorgang", { hasText: "Mailbox besprochen" }).waitFor();
  await page.locator("#beantworten textarea").fill("Bescheid erklärt");
  await page.locator("#beantworten button").press("Enter");
  await page.waitForFunction(() => !document.querySelector("#beantworten"));
  const shown = JSON.parse(await node.command("ticket", "show", ticket, "--json"));
  assert.equal((shown.ticket ?? shown).state, "answered");
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("a ticket that is returned leaves the inbox, and is as good as not there", async () => {
  const page = await signIn(browser, node, "fk-koeln");
  const ticket = await log("Steuern und Finanzen", "Rückläufer", "--postal-code", "50667", "--concern", "Frage zur Schule");
  await page.goto(`/eingang/${ticket}`);
  await page.locator("summary", { hasText: "zurückgeben" }).press("Enter");
  await page.locator("#zurueckgeben textarea").fill("gehört zur Schulaufsicht");
  await page.locator("#zurueckgeben button").press("Enter");
  await page.waitForURL((url) => url.pathname === "/eingang" || url.pathname === `/eingang/${ticket}`);
  const again = await page.goto(`/eingang/${ticket}`);
  assert.equal(again.status(), 404);
  await page.context().close();
});

test("another department's ticket looks like one that was never there", async () => {
  const page = await signIn(browser, node, "fk-koeln");
  const other = await log("Internet und E-Government", "Geheimnis", "--concern", "Frage zum Serviceportal");
  const [hidden, missing] = [await page.goto(`/eingang/${other}`), await page.goto("/eingang/T-0000-0000")];
  assert.equal(hidden.status(), 404);
  assert.equal(missing.status(), 404);
  for (const path of ["/eingang", `/vorgaenge/${other}`, `/platz/vorgang/${other}`, "/vorgaenge", "/platz"]) {
    const answer = await page.goto(path);
    assert.doesNotMatch(await answer.text(), /Geheimnis/, path);
  }
  await page.context().close();
});

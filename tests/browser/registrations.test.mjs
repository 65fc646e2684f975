// Newsletters and accreditation: pages for whoever comes, used without a script, a cookie or an account.

import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { SCREENS, assertAccessible, picture, startBrowser, startNode } from "./support.mjs";

const ROUTING = `
clearing = "clearing"
department = [{ id = "clearing", name = "Klärungsstelle" }, { id = "presse", name = "Presseamt" }]
newsletter = [
    { id = "presse", title = "Pressemitteilungen", department = "presse" },
    { id = "termine", title = "Termine", department = "presse" },
]
[[event]]
id = "sommerfest"
title = "Sommerfest der Landesregierung"
place = "Düsseldorf"
begins = "2199-06-20T18:00"
deadline = "2199-06-10T12:00"
department = "presse"
shuttle = true
item = [{ title = "Rundgang", capacity = 20 }, { title = "Rede" }]
`;

let node;
let browser;
before(async () => {
  const file = join(await mkdtemp(join(tmpdir(), "nrwdirekt-browser.")), "routing.toml");
  await writeFile(file, ROUTING);
  node = await startNode({
    demo: false,
    settings: [
      `routing.file=${file}`,
      "public.url=https://example.org",
      // Nobody listens there: what is to be sent waits.
      "mail.server=localhost",
      "mail.port=9",
      "mail.tls=none",
      "mail.from=nrwdirekt@example.org",
    ],
  });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await node?.stop();
});

/** A page of somebody who has no account. */
async function open(options = {}) {
  const context = await browser.newContext({ baseURL: node.url, locale: "de-DE", ...options });
  return context.newPage();
}

for (const colorScheme of ["light", "dark"]) {
  test(`everybody can use the forms, in ${colorScheme}`, async () => {
    const page = await open({ colorScheme, viewport: SCREENS.phone });
    for (const path of ["/newsletter", "/akkreditierung", "/akkreditierung/sommerfest"]) {
      const answer = await page.goto(path);
      assert.equal(answer.status(), 200, path);
      assert.equal(await page.locator("h1").count(), 1, path);
      await assertAccessible(page, `${path}, ${colorScheme}`);
      await picture(page, `open${path.replaceAll("/", "-")}-${colorScheme}`);
    }
    await page.getByRole("button", { name: "Absenden" }).click();
    await assertAccessible(page, `a form with faults, ${colorScheme}`);
    await picture(page, `open-akkreditierung-fehler-${colorScheme}`);
    await page.context().close();
  });
}

test("a newsletter is ordered without a script and without a cookie", async () => {
  const page = await open({ javaScriptEnabled: false });
  await page.goto("/newsletter");
  await page.getByRole("checkbox", { name: "Termine" }).check();
  await page.getByRole("textbox", { name: "E-Mail-Adresse" }).fill("erika");
  await page.getByRole("button", { name: "Absenden" }).click();
  await page.getByText("Eine Adresse wie name@beispiel.de.").waitFor();
  assert.ok(await page.getByRole("checkbox", { name: "Termine" }).isChecked(), "what was chosen stays");
  await page.getByRole("textbox", { name: "E-Mail-Adresse" }).fill("erika@example.org");
  await page.getByLabel("Ich willige ein").check();
  await page.getByRole("button", { name: "Absenden" }).click();
  await page.getByRole("heading", { name: "Bitte sehen Sie in Ihr Postfach" }).waitFor();
  assert.deepEqual(await page.context().cookies(), []);
  await page.context().close();
});

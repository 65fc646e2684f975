// Live figures between two messages: clocks run on, a big screen turns its pages, and old figures are called old.
(() => {
  "use strict";
  const OLD_AFTER_MS = 6000;
  const PAGE_MS = 15000;
  const live = document.querySelector("[data-live]");
  if (!live) return;
  let heard = Date.now();
  let ahead = 0;

  // The clock of the browser may be wrong; the server's counts.
  const measure = () => {
    const stand = document.getElementById("stand");
    if (stand) ahead = Date.now() - Number(stand.dataset.at);
  };
  const two = (number) => String(number).padStart(2, "0");
  const duration = (ms) => {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  };
  const tell = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const time = new Intl.DateTimeFormat("de-DE", { timeZone: "Europe/Berlin", timeStyle: "medium" });

  const tick = () => {
    const now = Date.now() - ahead;
    for (const clock of document.querySelectorAll("[data-since]")) tell(clock, duration(now - Number(clock.dataset.since)));
    for (const clock of document.querySelectorAll("[data-clock]")) tell(clock, time.format(now));
    if (Date.now() - heard > OLD_AFTER_MS) {
      const notice = document.getElementById("unterbrochen");
      if (notice) notice.hidden = false;
      document.body.classList.add("stale");
    }
  };
  document.addEventListener("htmx:sse:after:message", () => {
    heard = Date.now();
    measure();
    document.body.classList.remove("stale");
    turn(false);
  });
  // A session that is over leads to the page for signing in.
  document.addEventListener("htmx:sse:error", (event) => {
    if ([401, 403].includes(event.detail.status)) location.reload();
  });

  const tiles = document.querySelector("[data-at-once]");
  let page = 0;
  const turn = (on) => {
    if (!tiles) return;
    const most = Number(tiles.dataset.atOnce);
    const all = [...tiles.children];
    const pages = Math.max(1, Math.ceil(all.length / most));
    page = (page + (on ? 1 : 0)) % pages;
    all.forEach((tile, place) => { tile.hidden = Math.floor(place / most) !== page; });
    const told = document.querySelector("[data-page]");
    if (told) {
      told.hidden = pages === 1;
      tell(told, `Seite ${page + 1} von ${pages}`);
    }
  };
  measure();
  turn(false);
  setInterval(tick, 1000);
  if (tiles) setInterval(() => turn(true), PAGE_MS);
  // A screen that hangs for days gets the newest page now and then, once it can be had.
  if (tiles) setInterval(() => fetch("/healthz").then((answer) => { if (answer.ok) location.reload(); }).catch(() => {}), 6 * 3600 * 1000);
})();

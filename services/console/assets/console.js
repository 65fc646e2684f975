// What every page does beside htmx: light or dark, and a word when the connection is lost.
(() => {
  "use strict";
  const root = document.documentElement;
  const kept = (() => {
    try { return localStorage.getItem("darstellung"); } catch { return null; }
  })();
  if (!root.dataset.theme && (kept === "hell" || kept === "dunkel")) root.dataset.theme = kept;

  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dunkel" : matchMedia("(prefers-color-scheme: dark)").matches;

  document.addEventListener("click", (event) => {
    const theme = event.target.closest("[data-theme-switch]");
    if (theme) {
      root.dataset.theme = isDark() ? "hell" : "dunkel";
      try { localStorage.setItem("darstellung", root.dataset.theme); } catch { /* kept for this page only */ }
      document.dispatchEvent(new CustomEvent("darstellung"));
    }
    if (event.target.closest("[data-print]")) print();
  });

  // Drafts are for whoever is signed in.
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action") !== "/abmelden") return;
    try {
      for (const key of Object.keys(localStorage)) if (key.startsWith("platz:")) localStorage.removeItem(key);
    } catch { /* nothing kept */ }
    document.dispatchEvent(new CustomEvent("abmelden"));
  });

  const tell = () => {
    const offline = document.getElementById("offline");
    if (offline) offline.hidden = navigator.onLine;
  };
  addEventListener("online", tell);
  addEventListener("offline", tell);
  document.addEventListener("DOMContentLoaded", tell);
  document.addEventListener("htmx:error", () => {
    const offline = document.getElementById("offline");
    if (offline) offline.hidden = false;
  });
  document.addEventListener("htmx:after:request", tell);
})();

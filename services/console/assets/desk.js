// The agent's desk: keys, the running call, drafts that outlive the tab, and sending once.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const $ = (id) => document.getElementById(id);
  const desk = $("platz");
  const form = $("anfrage");
  const HOURS = 12 * 3600 * 1000;
  const DRAFT = desk && desk.dataset.nutzer !== undefined ? `platz:${desk.dataset.nutzer}` : null;

  // --- the draft, in the browser ---
  const storage = {
    read() {
      try { return JSON.parse(localStorage.getItem(DRAFT)); } catch { return null; }
    },
    write(draft) {
      try { localStorage.setItem(DRAFT, JSON.stringify(draft)); } catch { /* no room: kept on the page only */ }
    },
    remove() {
      try { localStorage.removeItem(DRAFT); } catch { /* nothing kept */ }
    },
    // What is older than a shift is nobody's business, whoever wrote it.
    expire() {
      try {
        for (const key of Object.keys(localStorage)) {
          if (!key.startsWith("platz:")) continue;
          let at = 0;
          try { at = JSON.parse(localStorage.getItem(key)).at; } catch { /* unreadable: away with it */ }
          if (!(Date.now() - at < HOURS)) localStorage.removeItem(key);
        }
      } catch { /* nothing kept */ }
    },
  };
  storage.expire();

  // --- keys ---
  const shown = (element) => element && element.getClientRects().length > 0;
  const groups = { p: "gruppe-person", s: "gruppe-anschrift", k: "gruppe-kontakt", a: "gruppe-anliegen" };
  const go = (key) => {
    if (key === "b") return focusOn($("bekannt-stand").querySelector("input:checked, input, a, button"));
    const group = groups[key] && $(groups[key]);
    if (group) return focusOn(group.querySelector("input, select, textarea"));
    const target = [...document.querySelectorAll(`[data-taste="${key}"]`)].find(shown);
    if (!target) return false;
    if (target.matches("summary")) {
      target.parentElement.open = true;
      return focusOn($("stelle"));
    }
    if (target.matches("a, button")) { target.focus(); target.click(); return true; }
    return focusOn(target);
  };
  for (const it of document.querySelectorAll("[data-taste]")) it.setAttribute("aria-keyshortcuts", `Alt+${it.dataset.taste.toUpperCase()}`);
  for (const [key, group] of Object.entries(groups)) {
    const first = $(group) && $(group).querySelector("input, select, textarea");
    if (first) first.setAttribute("aria-keyshortcuts", `Alt+${key.toUpperCase()}`);
  }
  const focusOn = (element) => {
    if (!element) return false;
    element.focus();
    if (element.matches("input:not([type=radio]):not([type=checkbox])") && element.select) element.select();
    return true;
  };
  document.addEventListener("keydown", (event) => {
    const dialog = document.querySelector("dialog[open]");
    if (event.ctrlKey && event.key === "Enter") {
      event.preventDefault();
      if (event.repeat) return;
      if (dialog) dialog.querySelector("form").requestSubmit();
      else if (form && form.isConnected) form.requestSubmit($("absenden"));
      return;
    }
    if (dialog) return;
    // Enter alone sends nothing: it is hit too easily.
    if (event.key === "Enter" && form && form.contains(event.target) && event.target.matches("input")) {
      event.preventDefault();
      return;
    }
    if (event.altKey && !event.ctrlKey && !event.metaKey && event.key.length === 1) {
      if (go(event.key.toLowerCase())) event.preventDefault();
      return;
    }
    if (event.key === "Enter" && !event.repeat && document.activeElement && document.activeElement.id === "bestaetigung") {
      $("naechste").click();
    }
    const other = $("andere");
    if (event.key === "Escape" && other && other.open && other.contains(document.activeElement)) {
      other.open = false;
      if (!$("stelle-grund").value.trim()) { $("stelle").value = ""; changed(); }
      focusOn($("absenden"));
    }
  });

  if ($("bestaetigung")) $("bestaetigung").focus();
  if (!form) return;

  // --- what was entered ---
  const field = (name) => form.elements.namedItem(name);
  const touched = new Set();
  // Filled in by the system, and still as it was: may be filled in again.
  const filled = new Map();
  // Filled in, and taken out again by the agent: stays out.
  const declined = new Set();
  let owns = true;
  let sending = false;
  const touchedField = document.createElement("input");
  touchedField.type = "hidden";
  touchedField.name = "beruehrt";
  form.append(touchedField);
  const snapshot = () => [...new FormData(form)].filter(([name]) => name !== "beruehrt");
  const written = (entries) => entries.some(([name, text]) =>
    text.trim() && (name.startsWith("feld.") || name === "stelle.grund" || name === "wunsch.von") && filled.get(name) !== text);
  const keep = () => {
    if (!owns || sending) return;
    const entries = snapshot();
    if (!written(entries)) return storage.remove();
    storage.write({ at: Date.now(), verfahren: field("verfahren").value, werte: entries, beruehrt: [...touched] });
  };
  let keeping;
  const changed = () => {
    clearTimeout(keeping);
    keeping = setTimeout(keep, 150);
    form.dispatchEvent(new Event("pruefen"));
  };
  // Boxes of slots are one field.
  const named = (input) => (input.name === "slot" ? "feld.slots" : input.name);
  const touch = (name) => { touched.add(name); touchedField.value = [...touched].join(" "); };
  // A fault is told once the agent leaves the field, or rests in it.
  let resting;
  form.addEventListener("input", (event) => {
    const name = named(event.target);
    if (filled.delete(name)) declined.add(name);
    if (name === "feld.postal_code") declined.delete("feld.town");
    // At once: a tab may be closed, or die, in any moment.
    keep();
    clearTimeout(resting);
    if (!touched.has(name)) resting = setTimeout(() => { touch(name); form.dispatchEvent(new Event("pruefen")); }, 1000);
  });
  form.addEventListener("focusout", (event) => {
    const name = named(event.target);
    // Leaving an empty field that the citizen may do without is no fault; a visited required one is.
    if (name && !touched.has(name)) {
      touch(name);
      if (event.relatedTarget && form.contains(event.relatedTarget)) form.dispatchEvent(new Event("pruefen"));
    }
  });
  addEventListener("pagehide", keep);
  document.addEventListener("abmelden", () => { owns = false; });

  // --- what the system says ---
  const id = (name) => name.replace(".", "-");
  const tell = (text) => { $("ansage").textContent = text; };
  const label = (input) => {
    const text = input.labels && input.labels[0] && input.labels[0].firstChild;
    return text ? text.textContent.trim() : "";
  };
  const apply = (pieces) => {
    const news = [];
    for (const verdict of pieces.querySelectorAll("[data-feld]")) {
      const fault = $(`fehler-${id(verdict.dataset.feld)}`);
      const input = $(id(verdict.dataset.feld));
      const text = verdict.textContent;
      if (fault && fault.textContent !== text) {
        fault.textContent = text;
        if (text) news.push(input ? `${label(input)}: ${text}` : text);
      }
      if (input) text ? input.setAttribute("aria-invalid", "true") : input.removeAttribute("aria-invalid");
    }
    if (news.length) tell(news.join(" "));
    for (const hint of pieces.querySelectorAll("[data-hinweis]")) {
      const place = $(`hinweis-${id(hint.dataset.hinweis)}`);
      if (place && place.textContent !== hint.textContent) place.textContent = hint.textContent;
    }
    const payment = $("gruppe-zahlung");
    const pays = pieces.querySelector("[data-zahlt]");
    if (payment && pays) payment.hidden = pays.dataset.zahlt === "nein";
    const towns = [...pieces.querySelectorAll("[data-ort]")].map((it) => it.textContent);
    $("orte").replaceChildren(...towns.map((town) => new Option(town, town)));
    fill("feld.town", towns.length === 1 ? towns[0] : "");
    const joined = pieces.querySelector("[data-ergaenzt]");
    if (joined) $("absenden-text").textContent = joined.textContent ? `Zu ${joined.textContent} hinzufügen` : "Absenden";
    const key = pieces.querySelector("[data-schluessel]");
    if (key && key.textContent && key.textContent !== field("schluessel").value) {
      field("schluessel").value = key.textContent;
      keep();
    }
  };
  // Fills in what the agent has not typed.
  const fill = (name, text) => {
    const input = field(name);
    if (!input || declined.has(name)) return false;
    const own = input.value && filled.get(name) !== input.value;
    if (own || input.value === text || (!text && !filled.has(name))) return false;
    if (input.options && text && ![...input.options].some((it) => it.value === text)) input.append(new Option(text, text));
    input.value = text;
    text ? filled.set(name, text) : filled.delete(name);
    // Whoever stands in it goes on, or types over it.
    if (input === document.activeElement && input.select) input.select();
    return true;
  };
  const verdicts = $("verdikte");
  document.addEventListener("htmx:after:swap", () => { if (verdicts.childElementCount) { apply(verdicts); verdicts.replaceChildren(); } });

  // Categories are those of the hotline.
  const topics = field("kategorie");
  const choose = () => {
    if (!topics) return;
    const hotline = field("hotline").value;
    for (const option of topics.options) {
      const of = option.dataset.hotlines;
      option.hidden = option.disabled = Boolean(of && hotline && !of.split("\n").includes(hotline));
    }
    if (topics.selectedOptions[0] && topics.selectedOptions[0].disabled) topics.value = "";
  };
  field("hotline").addEventListener("change", choose);

  // --- the running call ---
  const takeOver = $("uebernehmen");
  // The call that something was sent for: its after-call work does not fill the next form.
  const done = (call) => {
    try {
      if (call) sessionStorage.setItem("platz-anruf", call);
      return sessionStorage.getItem("platz-anruf");
    } catch { return null; }
  };
  let heard = "";
  const take = (call, instead) => {
    for (const name of ["feld.phone", "hotline"]) {
      if (field("anruf").value !== call.anruf) declined.delete(name);
      if (instead && field(name) && field(name).value) filled.set(name, field(name).value);
    }
    field("anruf").value = call.anruf;
    let news = false;
    if (call.nummer) news = fill("feld.phone", call.nummer) || news;
    if (call.hotline) news = fill("hotline", call.hotline) || news;
    takeOver.hidden = true;
    choose();
    if (news) changed();
  };
  const clock = () => {
    for (const it of document.querySelectorAll("[data-seit]")) {
      if (!it.dataset.hier) it.dataset.hier = Date.now();
      const s = Math.max(0, Math.floor((it.dataset.jetzt - it.dataset.seit + Date.now() - it.dataset.hier) / 1000));
      const two = (n) => String(n).padStart(2, "0");
      it.textContent = s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
    }
  };
  setInterval(clock, 1000);
  const listen = () => {
    const running = document.querySelector("[data-anruf]");
    clock();
    if (!running || !form.isConnected) return;
    const call = running.dataset;
    if (call.anruf !== heard) {
      heard = call.anruf;
      tell(`Anruf${call.nummer ? ` von ${call.nummer}` : ""}, Hotline ${call.hotline}`);
    }
    if (call.phase === "after_call_work" && call.anruf === done()) return;
    const bound = field("anruf").value;
    if (!bound || bound === call.anruf || !written(snapshot())) take(call);
    else takeOver.hidden = false;
  };
  takeOver.addEventListener("click", () => { const it = document.querySelector("[data-anruf]"); if (it) take(it.dataset, true); });
  new MutationObserver(listen).observe($("anruf"), { childList: true });

  // --- another procedure ---
  field("verfahren").addEventListener("change", () => {
    const entries = snapshot();
    if (owns && written(entries)) storage.write({ at: Date.now(), verfahren: field("verfahren").value, werte: entries, beruehrt: [], wechsel: true });
    else storage.remove();
    owns = false;
    location.assign(`/platz?verfahren=${encodeURIComponent(field("verfahren").value)}`);
  });

  // --- a draft that was left ---
  const notice = (text, kind) => {
    const place = $("meldung");
    place.replaceChildren();
    if (!text) return place;
    const p = document.createElement("p");
    p.className = `notice ${kind || ""}`;
    p.textContent = text;
    place.append(p);
    return p;
  };
  const restore = () => {
    const draft = storage.read();
    if (!draft || !Array.isArray(draft.werte)) return;
    if (![...field("verfahren").options].some((it) => it.value === draft.verfahren)) return storage.remove();
    if (draft.verfahren !== field("verfahren").value) {
      location.replace(`/platz?verfahren=${encodeURIComponent(draft.verfahren)}`);
      return;
    }
    for (const box of form.querySelectorAll("input[type=checkbox]")) box.checked = false;
    for (const [name, text] of draft.werte) {
      if (name === "verfahren") continue;
      if (name === "zu_vorgang" || name === "slot") { later(name, text); continue; }
      const input = field(name);
      if (!input) continue;
      if (input.type === "checkbox") input.checked = true;
      else {
        if (input.options && text && ![...input.options].some((it) => it.value === text)) input.append(new Option(text, text));
        input.value = text;
      }
    }
    for (const name of draft.beruehrt || []) touch(name);
    if (field("stelle").value) $("andere").open = true;
    if (!draft.wechsel) {
      const at = new Date(draft.at).toLocaleTimeString("de-DE", { hour: "2-digit", minute: "2-digit" });
      notice(draft.gesendet
        ? `Entwurf von ${at} Uhr wiederhergestellt. Ob er angekommen ist, ist nicht bekannt: Senden Sie ihn noch einmal, es entsteht kein zweiter Vorgang.`
        : `Entwurf von ${at} Uhr wiederhergestellt. Verwerfen mit Alt+X.`);
    }
    changed();
  };
  // What can be chosen is there once the caller or the service is known: until then the choice is kept aside.
  const later = (name, value) => {
    if (!value) return;
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name, value });
    form.append(input);
    const there = () => {
      if (!form.querySelector(`input[name="${name}"]:not([type=hidden])`)) return;
      input.remove();
      document.removeEventListener("htmx:after:swap", there);
    };
    document.addEventListener("htmx:after:swap", there);
  };
  const begin = () => {
    restore();
    choose();
    listen();
    const first = form.querySelector("[aria-invalid=true]") || form.querySelector("#gruppe-person input, fieldset:not(:first-of-type) input, textarea");
    if (document.activeElement === document.body && first) first.focus();
  };
  // One tab keeps the draft: two would write the same key.
  if (DRAFT && navigator.locks) {
    navigator.locks.request(DRAFT, { ifAvailable: true }, (lock) => {
      owns = Boolean(lock);
      if (owns) begin();
      else {
        notice("Der Anrufplatz ist schon in einem anderen Fenster offen. Entwürfe bleiben nur dort erhalten.", "warning");
        choose();
        listen();
      }
      return owns ? new Promise(() => {}) : undefined;
    });
  } else begin();
  $("verwerfen").addEventListener("click", () => {
    if (written(snapshot()) && !confirm("Den Entwurf verwerfen?")) return;
    storage.remove();
    owns = false;
    location.assign("/platz");
  });

  // --- sending, once ---
  const post = async (path, body) => {
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), 20000);
    try {
      const answer = await fetch(path, {
        method: "POST", body, signal: giveUp.signal, credentials: "same-origin",
        headers: { "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8" },
      });
      return { status: answer.status, text: await answer.text() };
    } catch {
      return { status: 0, text: "" };
    } finally {
      clearTimeout(timer);
    }
  };
  let release;
  const pause = (ms) => new Promise((resolve) => { release = resolve; setTimeout(resolve, ms); });
  addEventListener("online", () => release && release());
  let stopped = false;
  const stop = () => {
    stopped = true;
    if (release) release();
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    sending = true;
    stopped = false;
    const entries = snapshot();
    const body = new URLSearchParams(entries).toString();
    if (owns) storage.write({ at: Date.now(), verfahren: field("verfahren").value, werte: entries, beruehrt: [...touched], gesendet: true });
    const parts = [$("formular"), $("beistand")];
    const before = document.activeElement;
    for (const part of parts) part.inert = true;
    notice("Wird gesendet …");
    let answer;
    for (let attempt = 0; !stopped; attempt += 1) {
      answer = await post("/platz", body);
      if (answer.status !== 0 && answer.status < 500 && answer.status !== 429) break;
      if (attempt === 0) {
        const place = notice("Keine Verbindung. Die Anfrage wartet und geht von selbst hinaus, sobald die Verbindung wieder da ist. ", "warning");
        const button = document.createElement("button");
        Object.assign(button, { type: "button", textContent: "Doch noch ändern" });
        button.addEventListener("click", stop);
        place.append(button);
        button.focus();
      }
      if (!stopped) await pause(Math.min(500 * 2 ** attempt, 5000));
    }
    for (const part of parts) part.inert = false;
    sending = false;
    if (stopped && (!answer || answer.status === 0 || answer.status >= 500)) {
      notice("Noch nicht gesendet. War die erste Fassung doch schon angekommen, wird das beim Senden gesagt.", "warning");
      keep();
      if (before) before.focus();
      return;
    }
    settle(answer, before);
  });
  const settle = (answer, before) => {
    const pieces = new DOMParser().parseFromString(answer.text, "text/html");
    const receipt = pieces.getElementById("bestaetigung");
    if (answer.status === 200 && receipt) {
      storage.remove();
      owns = false;
      clearTimeout(keeping);
      done(field("anruf").value);
      form.dispatchEvent(new Event("htmx:abort"));
      desk.replaceChildren(receipt);
      receipt.focus();
      return;
    }
    keep();
    if (answer.status === 401) {
      const place = notice("Ihre Sitzung ist abgelaufen. Der Entwurf bleibt erhalten: ", "warning");
      const link = document.createElement("a");
      Object.assign(link, { href: "/anmelden?ziel=/platz", textContent: "neu anmelden" });
      place.append(link);
      link.focus();
      return;
    }
    if (answer.status === 422 && pieces.querySelector("[data-feld]")) {
      notice("");
      for (const part of pieces.querySelectorAll("hx-partial")) {
        const place = document.querySelector(part.getAttribute("hx-target"));
        if (place) place.replaceChildren(...part.childNodes);
      }
      for (const verdict of pieces.querySelectorAll("[data-feld]")) if (verdict.textContent) touch(verdict.dataset.feld);
      apply(pieces);
      const beside = (fault) => fault.textContent && fault.closest(".feld, details").querySelector("input, select, textarea");
      const first = [...form.querySelectorAll(".feld .fault, details .fault")].map(beside).find(Boolean);
      if (first && $("andere").contains(first)) $("andere").open = true;
      focusOn(first) || (before && before.focus());
      return;
    }
    const told = pieces.querySelector("main .notice") || pieces.querySelector(".notice");
    notice(told ? told.textContent : "Das hat nicht geklappt. Der Entwurf bleibt erhalten; versuchen Sie es noch einmal.", "error");
    if (before) before.focus();
  };

  // --- acts on known tickets ---
  const dialog = $("handlung");
  const words = {
    "zurueckziehen": ["Erledigt: zurückziehen", "Warum ist keine Antwort mehr nötig?"],
    "wieder-oeffnen": ["Wieder öffnen", "Was möchte die Person jetzt? Die Stelle sieht es als neues Anliegen."],
  };
  let opener;
  $("bekannt").addEventListener("click", (event) => {
    const link = event.target.closest("[data-akt]");
    if (!link) return;
    event.preventDefault();
    opener = link.id || link.dataset.vorgang;
    const [title, text] = words[link.dataset.akt];
    $("handlung-titel").textContent = `${title}: ${link.dataset.vorgang}`;
    $("handlung-text").textContent = text;
    $("handlung-meldung").replaceChildren();
    const inner = dialog.querySelector("form");
    inner.action = `/platz/vorgang/${link.dataset.vorgang}/${link.dataset.akt}`;
    inner.elements.schluessel.value = field("schluessel").value;
    inner.elements.anruf.value = field("anruf").value;
    const concern = field("feld.concern");
    inner.elements.grund.value = link.dataset.akt === "wieder-oeffnen" && concern ? concern.value : "";
    dialog.showModal();
    inner.elements.grund.focus();
  });
  dialog.querySelector("[data-schliessen]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    const link = document.querySelector(`[data-vorgang="${opener}"]`);
    focusOn(link || $("absenden"));
  });
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const inner = event.target;
    if (inner.dataset.laeuft) return;
    inner.dataset.laeuft = "1";
    const answer = await post(new URL(inner.action).pathname, new URLSearchParams(new FormData(inner)).toString());
    delete inner.dataset.laeuft;
    const told = new DOMParser().parseFromString(answer.text, "text/html").querySelector(".notice");
    if (answer.status === 200 && told) {
      dialog.close();
      $("meldung").replaceChildren(told);
      changed();
      return;
    }
    const place = $("handlung-meldung");
    place.replaceChildren(told || Object.assign(document.createElement("p"), {
      className: "notice error",
      textContent: answer.status === 0 ? "Keine Verbindung. Versuchen Sie es gleich noch einmal." : "Das hat nicht geklappt.",
    }));
  });
})();

// Tells what comes into an open inbox: in words, in the title, and by the browser if the user has allowed it.
(() => {
  "use strict";
  const news = document.getElementById("neues");
  const button = document.getElementById("hinweise");
  if (!news || !("EventSource" in window)) return;
  const title = document.title;
  const canHint = "Notification" in window;
  const kept = (value) => {
    try {
      if (value === undefined) return localStorage.getItem("hinweise") === "an";
      localStorage.setItem("hinweise", value ? "an" : "aus");
    } catch { /* only for this page */ }
    return Boolean(value);
  };
  const isOn = () => canHint && Notification.permission === "granted" && kept();
  const label = () => {
    if (!button || !canHint || Notification.permission === "denied") return;
    button.hidden = false;
    button.textContent = isOn() ? "Hinweise des Browsers ausschalten" : "Hinweise des Browsers einschalten";
  };
  button?.addEventListener("click", async () => {
    if (isOn()) kept(false);
    else kept((await Notification.requestPermission()) === "granted");
    label();
  });
  label();

  const words = (count) => (count === 1 ? "1 neuer Vorgang" : `${count} neue Vorgänge`);
  const tell = (count) => {
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = "Liste neu laden";
    news.replaceChildren(`${words(count)}. `, link);
    document.title = `(${count}) ${title}`;
    if (isOn() && document.hidden) new Notification("NRW direkt", { body: `${words(count)} im Eingang`, tag: "eingang" });
  };
  const cap = (count) => (count > 499 ? "500+" : String(count));
  const show = (name, count) => {
    const place = document.querySelector(`[data-zahl="${name}"]`);
    if (place) place.textContent = cap(count);
  };

  if (!news.dataset.stelle) return;
  let told = 0;
  const source = new EventSource(`/eingang/neues?stelle=${encodeURIComponent(news.dataset.stelle)}`);
  source.addEventListener("stand", (event) => {
    const now = JSON.parse(event.data);
    show("offen", now.offen);
    show("neu", now.neu);
    show("ueberfaellig", now.ueberfaellig);
    if (now.dazu > told) {
      told = now.dazu;
      tell(told);
    }
  });
  source.addEventListener("ende", () => {
    source.close();
    news.className = "notice warning";
    news.textContent = "Neues wird nicht mehr gemeldet. Laden Sie die Seite neu.";
  });
  addEventListener("pagehide", () => source.close());
})();

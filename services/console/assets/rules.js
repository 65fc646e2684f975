// Puts a file into the text of the form; and shows another document when it is chosen.
(() => {
  "use strict";
  const file = document.getElementById("datei");
  const text = document.getElementById("text");
  const name = document.getElementById("dokument");
  file?.addEventListener("change", async () => {
    const chosen = file.files[0];
    if (chosen) text.value = await chosen.text();
  });
  name?.addEventListener("change", () => {
    if (text.value === text.defaultValue) location.search = `?dokument=${encodeURIComponent(name.value)}`;
  });
})();

// Draws the charts of a page; the tables beneath say the same.
(() => {
  "use strict";
  const root = document.documentElement;
  const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const german = new Intl.NumberFormat("de-DE", { maximumFractionDigits: 1 });
  const two = (number) => String(number).padStart(2, "0");
  let drawn = [];

  const written = (data) => (value) => {
    if (value == null) return "–";
    return data.share ? `${german.format(value * 100)} %` : german.format(value);
  };
  const minutes = (value) => `${two(Math.floor(value / 60))}:${two(Math.round(value % 60))}`;

  const draw = (place) => {
    const data = JSON.parse(place.parentElement.querySelector("script").textContent);
    const day = data.zone && new Intl.DateTimeFormat("de-DE", { timeZone: data.zone, day: "2-digit", month: "2-digit" });
    const time = data.zone && new Intl.DateTimeFormat("de-DE", { timeZone: data.zone, hour: "2-digit", minute: "2-digit" });
    const span = data.x.length ? data.x[data.x.length - 1] - data.x[0] : 0;
    const label = (x) => {
      if (data.minutes) return minutes(x);
      const at = new Date(x * 1000);
      if (span > 3 * 86400) return day.format(at);
      return span > 86400 ? `${day.format(at)} ${time.format(at)}` : time.format(at);
    };
    const full = (x) => (x == null ? "" : data.minutes ? minutes(x) : `${day.format(new Date(x * 1000))} ${time.format(new Date(x * 1000))}`);
    const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
    const value = written(data);
    // Ticks from the first midnight on: those of the clock in the zone, not of UTC.
    const splits = (_, __, low, high, incr) => {
      const ticks = [];
      for (let at = data.x[0] + Math.ceil((low - data.x[0]) / incr) * incr; at <= high; at += incr) ticks.push(at);
      return ticks;
    };
    const options = {
      width: place.clientWidth,
      height: place.closest(".one") ? 300 : 190,
      scales: { x: { time: false }, y: { range: (_, low, high) => (data.share ? [0, 1] : [0, Math.max(1, high ?? 1) * 1.05]) } },
      axes: [
        { ...axis, values: (_, xs) => xs.map(label), space: 70, ...(data.zone && data.x.length && { splits }), ...(data.minutes && { incrs: [30, 60, 120, 180, 240, 360] }), ...(data.zone && span <= 86400 * 2 && { incrs: [900, 1800, 3600, 7200, 10800, 14400, 21600] }), ...(data.zone && span > 3 * 86400 && { incrs: [86400, 172800, 604800, 2592000] }) },
        { ...axis, size: 60, values: (_, ys) => ys.map(value) },
      ],
      series: [
        { label: data.minutes ? "Uhrzeit" : "Beginn", value: (_, x) => full(x) },
        ...data.lines.map((line) => ({
          label: line.name,
          stroke: colour(line.colour),
          width: 2,
          dash: line.dashed ? [6, 4] : undefined,
          points: { show: data.x.length < 40 },
          value: (_, y) => value(y),
        })),
      ],
    };
    place.replaceChildren();
    return new uPlot(options, [data.x, ...data.lines.map((line) => line.values)], place);
  };

  const all = () => {
    drawn.forEach(([chart]) => chart.destroy());
    drawn = [...document.querySelectorAll("[data-chart]")].map((place) => [draw(place), place]);
  };
  all();
  document.addEventListener("darstellung", all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => drawn.forEach(([chart, place]) => chart.setSize({ width: place.clientWidth, height: chart.height })), 100);
  });
})();

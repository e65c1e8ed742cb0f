/* Charts: [data-chart] with JSON {x: [epoch seconds], series: [{label, values}], unit, decimals} in data-json or at data-src.
 * Values may be numbers or decimal texts.
 * The picture drawn by the server stays until the numbers are there. */
"use strict";

(() => {
  const zone = "Asia/Taipei";
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const when = (seconds, options) => new Intl.DateTimeFormat("zh-Hant-TW", { timeZone: zone, hour12: false, ...options }).format(new Date(seconds * 1000));
  let library = null;

  function ready() {
    if (!library) {
      Portal.style("vendor/uplot/uPlot.min.css");
      library = Portal.load("vendor/uplot/uPlot.iife.min.js");
    }
    return library;
  }

  async function read(figure) {
    if (!figure.dataset.src) return JSON.parse(figure.dataset.json);
    const answer = await fetch(figure.dataset.src, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  /** The area under a line, fading downwards. */
  function fade(chart) {
    const { top, height } = chart.bbox;
    if (!Number.isFinite(top + height)) return token("jade-wash"); // asked before the first layout
    const ground = chart.ctx.createLinearGradient(0, top, 0, top + height);
    ground.addColorStop(0, `${token("jade")}40`);
    ground.addColorStop(1, `${token("jade")}05`);
    return ground;
  }

  function options(figure, width, data) {
    const figures = new Intl.NumberFormat("en", { minimumFractionDigits: data.decimals ?? 2, maximumFractionDigits: data.decimals ?? 2 });
    const span = data.x.length > 1 ? data.x[data.x.length - 1] - data.x[0] : 0;
    const tick = span > 172800 ? { month: "2-digit", day: "2-digit" } : { hour: "2-digit", minute: "2-digit" };
    const colours = [token("jade"), token("info"), token("warn"), token("loss")];
    const bars = figure.dataset.kind === "bars";
    const axis = { stroke: token("soft"), font: `12px ${token("sans")}`, ticks: { show: false } };
    return {
      width, height: Number(figure.dataset.height || 220),
      padding: [12, 4, 0, 20],
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
      legend: { show: true, live: true },
      hooks: { setCursor: [(chart) => figure.classList.toggle("reading", chart.cursor.idx != null && chart.cursor.left >= 0)] },
      scales: { x: { time: true } },
      axes: [
        { ...axis, size: 28, grid: { show: false }, space: 72, values: (_, at) => at.map((t) => when(t, tick)) },
        { ...axis, side: 1, size: 72, grid: { stroke: token("line"), width: 1 }, values: (_, at) => at.map((v) => figures.format(v)) },
      ],
      series: [
        { label: document.documentElement.lang === "en" ? "Time" : "時間", value: (_, t) => (t == null ? "—" : when(t, { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" })) },
        ...data.series.map((one, i) => ({
          label: one.label, stroke: colours[i % colours.length], width: 1.75, points: { show: false },
          fill: i === 0 ? (bars ? colours[0] : fade) : undefined,
          paths: bars ? uPlot.paths.bars({ size: [0.7, 48], radius: 0.2 }) : undefined,
          value: (_, v) => (v == null ? "—" : `${figures.format(v)}${data.unit ? ` ${data.unit}` : ""}`),
        })),
      ],
    };
  }

  Portal.behaviour("[data-chart]", async (figure) => {
    let data;
    try {
      data = await read(figure);
      await ready();
    } catch {
      return; // the server's picture and its sentence stay
    }
    if (!data.x?.length || !figure.isConnected) return;
    const columns = [data.x, ...data.series.map((one) => one.values.map((value) => (value === null ? null : Number(value))))];
    const home = figure.querySelector(".chart-canvas");
    let chart = null;
    const draw = () => {
      if (!figure.isConnected) return;
      chart?.destroy();
      home.replaceChildren();
      chart = new uPlot(options(figure, home.clientWidth, data), columns, home);
    };
    draw();
    new ResizeObserver(() => {
      if (chart && home.clientWidth && home.clientWidth !== chart.width) chart.setSize({ width: home.clientWidth, height: chart.height });
    }).observe(home);
    document.addEventListener("portal:appearance", draw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  });
})();

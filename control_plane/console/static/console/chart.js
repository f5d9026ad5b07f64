/* Scans over time, people and bots, drawn by uPlot from the JSON in #series. Drawn again in place when the
   numbers, the theme or the width change. */
(() => {
  "use strict";
  const box = document.querySelector("[data-chart]");
  if (!box || !window.uPlot) return;

  // A canvas needs a resolved colour, and light-dark() resolves only where a property is used.
  const probe = document.createElement("span");
  probe.hidden = true;
  box.append(probe);
  const colour = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };

  const read = () => JSON.parse(document.getElementById("series").textContent);
  // Bots are stacked on people: the amber bar is drawn first and as high as both.
  const columns = (data) => [data.at, data.humans.map((n, i) => n + data.bots[i]), data.humans];
  const day = { day: "numeric", month: "short" };
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const formatter = (options, timeZone) => new Intl.DateTimeFormat("en-GB", { ...options, timeZone });
  const number = new Intl.NumberFormat("en-US");
  const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

  let data = read();
  let plot;

  const tip = document.createElement("div");
  tip.className = "chart-tip";
  tip.hidden = true;
  const row = (kind, name, value) => {
    const line = document.createElement("div");
    const dot = document.createElement("span");
    dot.className = `dot ${kind}`;
    const figure = document.createElement("b");
    figure.textContent = number.format(value);
    line.append(dot, name, figure);
    return line;
  };
  const point = (chart) => {
    const index = chart.cursor.idx;
    tip.hidden = index == null || chart.cursor.left < 0;
    if (tip.hidden) return;
    const at = new Date(data.at[index] * 1000);
    const title = document.createElement("strong");
    title.textContent = data.unit === "day"
      ? formatter({ weekday: "short", ...day }, data.timeZone).format(at)
      : formatter({ ...day, ...clock }, data.timeZone).format(at);
    tip.replaceChildren(title, row("", "People", data.humans[index]), row("dot-bots", "Bots", data.bots[index]));
    const over = chart.over.getBoundingClientRect();
    const frame = box.getBoundingClientRect();
    const x = over.left - frame.left + chart.cursor.left;
    const left = x + tip.offsetWidth + 20 > frame.width ? x - tip.offsetWidth - 12 : x + 12;
    tip.style.transform = `translate(${Math.max(0, left)}px, 8px)`;
  };

  const draw = () => {
    const axis = { stroke: colour("--muted"), font: "11px Inter, system-ui, sans-serif", ticks: { show: false } };
    const grid = { stroke: colour("--border"), width: 1 };
    const bars = uPlot.paths.bars({ size: [0.72, 28], radius: 0.18 });
    plot?.destroy();
    plot = new uPlot({
      width: box.clientWidth,
      height: box.clientHeight,
      padding: [10, 14, 0, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.timeZone),
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { setScale: false } },
      scales: {
        // Half a bucket of room on both sides, or the first and the last bar are cut in half.
        x: { time: true, range: (_, min, max) => [min - data.step / 2, max + data.step / 2] },
        y: { range: (_, min, max) => [0, Math.max(4, max * 1.12)] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 28,
          space: data.unit === "day" ? 52 : 58,
          values: (_, splits) => {
            let last = "";
            return splits.map((seconds) => {
              const at = new Date(seconds * 1000);
              const date = formatter(day, data.timeZone).format(at);
              if (data.unit === "day") return date;
              const time = formatter(clock, data.timeZone).format(at);
              if (data.span <= 86400) return time;
              const text = date === last ? time : date;
              last = date;
              return text;
            });
          },
        },
        {
          ...axis,
          grid,
          size: 40,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 5e6, 1e7],
          values: (_, splits) => splits.map((value) => short.format(value)),
        },
      ],
      series: [
        {},
        { label: "Bots", fill: colour("--bots"), stroke: colour("--bots"), width: 0, paths: bars, points: { show: false } },
        { label: "People", fill: colour("--accent"), stroke: colour("--accent"), width: 0, paths: bars, points: { show: false } },
      ],
      hooks: { setCursor: [point] },
    }, columns(data), box);
    box.append(tip);
  };

  draw();
  box.addEventListener("pointerleave", () => { tip.hidden = true; });
  document.addEventListener("scanway:refreshed", () => {
    if (!document.getElementById("series")) return;
    data = read();
    plot.setData(columns(data));
  });
  document.addEventListener("scanway:theme", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => {
    if (plot && (plot.width !== box.clientWidth || plot.height !== box.clientHeight)) plot.setSize({ width: box.clientWidth, height: box.clientHeight });
  }).observe(box);
})();

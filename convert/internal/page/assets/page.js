"use strict";
// Draws the charts of the page from the JSON in it. Texts go into the page as text, never as HTML.
(() => {
  const began = performance.now();
  const body = document.body;
  let errors = 0;
  body.dataset.errors = "0";
  addEventListener("error", () => { body.dataset.errors = String(++errors); });

  const data = JSON.parse(document.getElementById("page-data").textContent);
  const several = data.runs.length > 1;
  const away = new Set(); // runs that are hidden
  const dashes = [[], [9, 4], [3, 3], [9, 3, 3, 3], [14, 5], [6, 6], [2, 5], [12, 3, 2, 3, 2, 3]];
  const printed = { wide: 690, narrow: 335 };
  let plots = [];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colours = () => ({
    ink: colour("--ink"), soft: colour("--soft"), grid: colour("--line"), bad: colour("--bad"), paper: colour("--paper"),
    lines: [0, 1, 2, 3, 4, 5, 6, 7].map((i) => colour("--c" + i)),
  });

  // number writes a value with three digits or so.
  function number(v) {
    if (v == null) return "–";
    const a = Math.abs(v);
    if (a !== 0 && a < 0.001) return v.toExponential(1);
    const digits = a === 0 || a >= 100 ? 0 : a >= 10 ? 1 : a >= 1 ? 2 : 3;
    return v.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace(/,/g, "\u202f");
  }

  // tick writes a value at an axis, without zeros at its end.
  const tick = (v) => v == null ? "" : v.toLocaleString("en", { maximumSignificantDigits: 6 }).replace(/,/g, "\u202f");

  // increasing gives the points of a series in order of x, each x once: the library wants it so.
  function increasing(s) {
    const order = s.kind === "path" ? s.xs.map((_, i) => i).sort((a, b) => s.xs[a] - s.xs[b]) : null;
    const xs = order ? order.map((i) => s.xs[i]) : s.xs.slice();
    const ys = order ? order.map((i) => s.ys[i]) : s.ys;
    const least = Math.max(1e-9, Math.abs(xs[xs.length - 1] - xs[0]) * 1e-9);
    for (let i = 1; i < xs.length; i++) if (xs[i] <= xs[i - 1]) xs[i] = xs[i - 1] + least;
    if (s.names) s.stageAt = new Map(xs.map((x, i) => [x, s.names[order ? order[i] : i]]));
    if (s.lows) s.barAt = new Map(xs.map((x, i) => [x, [s.lows[i], s.highs[i]]]));
    return [xs, ys];
  }

  // nearest finds the value of a series that is closest to the pointer.
  function nearest(u, series, at, x) {
    const ys = u.data[series], xs = u.data[0];
    if (series === 0 || ys[at] != null) return at;
    let left = at, right = at;
    while (left >= 0 && ys[left] == null) left--;
    while (right < ys.length && ys[right] == null) right++;
    if (left < 0) return right < ys.length ? right : at;
    if (right >= ys.length) return left;
    return x - xs[left] <= xs[right] - x ? left : right;
  }

  const inkOf = (s, look) => look.lines[(several ? s.run : s.role) % look.lines.length];

  // element makes an element that holds a text.
  function element(name, label, parent) {
    const e = document.createElement(name);
    if (label) e.textContent = label;
    parent?.append(e);
    return e;
  }

  // sample draws what a series looks like: its dashes, or a dot.
  function sample(s, look) {
    const space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg");
    const dots = s.kind === "dots", shape = document.createElementNS(space, dots ? "circle" : "line");
    const set = (e, all) => Object.entries(all).forEach(([name, value]) => e.setAttribute(name, value));
    set(svg, { width: dots ? 10 : 30, height: 10, "aria-hidden": "true" });
    set(shape, dots ? { cx: 5, cy: 5, r: 3, fill: inkOf(s, look) } : { x1: 0, x2: 30, y1: 5, y2: 5, stroke: inkOf(s, look), "stroke-width": 2.5, "stroke-dasharray": dashes[s.role % dashes.length].join(" ") });
    svg.append(shape);
    return svg;
  }

  // legend names the series of a chart. A click on a name hides its line or shows it.
  function legend(p, look) {
    const box = element("div", "", p.place);
    box.className = "legend";
    p.names = p.chart.series.map((s, i) => {
      const name = element("button", "", box);
      name.type = "button";
      name.append(sample(s, look), s.name);
      name.setAttribute("aria-pressed", String(p.plot.series[i + 1].show));
      name.addEventListener("click", () => reveal(p, i, !p.plot.series[i + 1].show));
      return name;
    });
  }

  function reveal(p, i, visible) {
    p.plot.setSeries(i + 1, { show: visible });
    p.names[i].setAttribute("aria-pressed", String(visible));
  }

  // place names where the pointer is: a stage with its load, or a value of x with its unit.
  function placeName(u, c, x) {
    const unit = c.x.unit ? " " + c.x.unit : "";
    let i = 0;
    while (i < c.series.length && !(u.series[i + 1].show && c.series[i].names)) i++;
    if (i < c.series.length) return c.series[i].stageAt.get(u.data[0][u.cursor.idxs[i + 1]]) || "";
    const span = (c.spans || []).filter((s) => s.from <= x).pop();
    return number(x) + unit + (span ? ", " + span.name : "");
  }

  // tell shows the values at the pointer, beside it.
  function tell(u, c, look, tip) {
    const { left, top: high, idxs } = u.cursor;
    tip.style.display = "none";
    if (tip.dataset.on !== "true" || left < 0 || !idxs) return;
    const rows = c.series.map((s, i) => [s, u.series[i + 1].show && idxs[i + 1] != null ? u.data[i + 1][idxs[i + 1]] : null]).filter(([, v]) => v != null);
    if (!rows.length) return;
    tip.replaceChildren();
    element("strong", placeName(u, c, u.posToVal(left, "x")), tip);
    for (const [s, v] of rows.slice(0, 12)) {
      const line = element("span", "", tip);
      const bar = s.barAt?.get(u.data[0][idxs[c.series.indexOf(s) + 1]]);
      line.append(sample(s, look), s.name + " " + number(v) + (c.y.unit ? " " + c.y.unit : "") + (bar ? " (" + bar.map(number).join("–") + ")" : ""));
    }
    tip.style.display = "block";
    const width = u.over.clientWidth, right = left > width / 2;
    tip.style.left = right ? "" : left + 14 + "px";
    tip.style.right = right ? width - left + 14 + "px" : "";
    tip.style.top = Math.max(0, Math.min(high - 10, u.over.clientHeight - tip.offsetHeight)) + "px";
  }

  function tipOf(u) {
    const tip = element("div", "", u.over);
    tip.className = "tip";
    u.over.addEventListener("mouseenter", () => { tip.dataset.on = "true"; });
    u.over.addEventListener("mouseleave", () => { tip.dataset.on = "false"; tip.style.display = "none"; });
    return tip;
  }

  function seriesOf(c, s, look) {
    const stroke = inkOf(s, look);
    const dots = s.kind === "dots", few = s.xs.length <= 40;
    return {
      label: s.name, show: !s.hide && !away.has(s.run), stroke: dots ? stroke + "80" : stroke, width: 2, dash: dots ? [] : dashes[s.role % dashes.length],
      paths: dots || s.kind === "path" ? () => null : s.kind === "steps" ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
      points: { show: dots || s.kind === "path" || (s.kind === "line" && few), size: dots ? 4 : 7, width: dots ? 0 : 1.5, fill: dots ? stroke + "80" : stroke, stroke: dots ? "transparent" : stroke },
    };
  }

  // top is where the y axis ends: above the data, and above the bound if that is not far.
  function top(c, max) {
    if (c.y.max) return c.y.max;
    let high = max;
    for (const m of c.marks || []) if (m.yat != null && m.xat == null && m.yat <= 3 * max) high = Math.max(high, m.yat);
    return high > 0 ? high * 1.08 : 1;
  }

  function scalesOf(c) {
    const x = { time: false };
    if (c.x.log) x.distr = 3;
    if (c.x.fit) x.range = (u, min, max) => {
      if (min == null) return [1, 10];
      const pad = Math.max(1.05, (max / min) ** 0.05);
      return [min / pad, max * pad];
    };
    else if (!c.x.log && c.labels) x.range = [-0.4, c.labels.length - 0.6];
    else if (!c.x.log) x.range = (u, min, max) => {
      if (min == null) return [0, 1];
      const pad = (max - min) * 0.05 || Math.abs(min) * 0.1 || 1;
      return [min >= 0 ? Math.max(0, min - pad) : min - pad, max + pad];
    };
    const below = !several && c.series.some((s) => s.kind === "path") ? 0.14 : 0; // room for the names of the points
    return { x, y: { range: (u, min, max) => max == null ? [0, 1] : [Math.min(-below * top(c, max), min), top(c, max)] } };
  }

  // loadTicks are the round numbers between two loads on a logarithmic axis, or evenly spaced ones if there are few.
  function loadTicks(min, max) {
    const list = [], digits = max / min < 12 ? [1, 2, 3, 4, 6, 8] : max / min < 1000 ? [1, 2, 5] : [1];
    for (let e = Math.floor(Math.log10(min)); 10 ** e <= max; e++) for (const d of digits) {
      const v = Number(d + "e" + e);
      if (v >= min && v <= max) list.push(v);
    }
    if (list.length > 2 || !(max > min)) return list;
    const e = Math.floor(Math.log10((max - min) / 2));
    const even = [];
    for (let i = Math.ceil(min / 10 ** e); i * 10 ** e <= max; i++) even.push(Number(i + "e" + e));
    const every = Math.ceil(even.length / 6);
    return even.filter((v, i) => i % every === 0);
  }

  function axesOf(c, look) {
    const axis = (label) => ({
      label, stroke: look.ink, labelSize: 22, labelFont: "12px system-ui, sans-serif", font: "12px system-ui, sans-serif", grid: { stroke: look.grid, width: 1 },
      ticks: { stroke: look.grid, width: 1 }, values: (u, splits) => splits.map(tick),
    });
    const x = axis(c.x.label), y = axis(c.y.label);
    x.size = 34;
    x.labelSize = 20;
    y.size = (u, values) => Math.max(44, 24 + 6.6 * Math.max(0, ...(values || []).map((v) => String(v ?? "").length)));
    if (c.x.unit === "at a time") x.incrs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
    if (c.x.fit) {
      x.splits = (u, axis, min, max) => loadTicks(min, max);
      x.filter = x.grid.filter = x.ticks.filter = (u, splits) => splits;
    } else if (c.x.log) x.grid.filter = (u, splits) => splits.map((v) => Math.abs(Math.log10(v) % 1) < 1e-6 ? v : null);
    if (c.labels) {
      const room = Math.ceil(c.labels.length / 5);
      x.size = 46;
      x.splits = () => c.labels.map((_, i) => i).filter((i) => i % room === 0);
      x.values = (u, splits) => splits.map((i) => c.labels[i] ?? "");
    }
    return [x, y];
  }

  // inside draws within the plot.
  function inside(u, draw) {
    const ctx = u.ctx, b = u.bbox;
    ctx.save();
    ctx.beginPath();
    ctx.rect(b.left, b.top, b.width, b.height);
    ctx.clip();
    ctx.font = 12 * devicePixelRatio + "px system-ui, sans-serif";
    draw(ctx, b, devicePixelRatio);
    ctx.restore();
  }

  // text writes on the plot's own colour, so that lines do not run through it.
  function text(ctx, look, label, x, y) {
    ctx.lineWidth = 4 * devicePixelRatio;
    ctx.lineJoin = "round";
    ctx.strokeStyle = look.paper;
    ctx.setLineDash([]);
    ctx.strokeText(label, x, y);
    ctx.fillText(label, x, y);
  }

  function drawPath(u, c, s, look) {
    inside(u, (ctx, b, px) => {
      ctx.strokeStyle = inkOf(s, look);
      ctx.lineWidth = 2 * px;
      ctx.setLineDash(dashes[s.role % dashes.length].map((d) => d * px));
      ctx.beginPath();
      s.xs.forEach((x, i) => ctx[i ? "lineTo" : "moveTo"](u.valToPos(x, "x", true), u.valToPos(s.ys[i], "y", true)));
      ctx.stroke();
      if (s.role !== 0 || several) return;
      ctx.fillStyle = look.ink;
      ctx.textAlign = "center";
      ctx.textBaseline = "top";
      const taken = [], tags = (s.tags || []).map((t, i) => [t, i]).sort(([a], [b]) => b.startsWith("knee") - a.startsWith("knee"));
      tags.forEach(([t, i]) => {
        const half = ctx.measureText(t).width / 2 + 2 * px;
        const x = Math.min(Math.max(u.valToPos(s.xs[i], "x", true), b.left + half), b.left + b.width - half);
        const y = Math.min(u.valToPos(s.ys[i], "y", true) + 7 * px, b.top + b.height - 14 * px);
        if (taken.some(([ox, oy, wide]) => Math.abs(ox - x) < half + wide + 4 * px && Math.abs(oy - y) < 14 * px)) return;
        taken.push([x, y, half]);
        text(ctx, look, t, x, y);
      });
    });
  }

  // drawBars draws the bounds of the values of a series.
  function drawBars(u, s, look) {
    inside(u, (ctx, b, px) => {
      ctx.strokeStyle = inkOf(s, look);
      ctx.lineWidth = 1.5 * px;
      ctx.beginPath();
      s.xs.forEach((x, i) => {
        if (s.lows[i] == null || s.highs[i] == null) return;
        const at = u.valToPos(x, "x", true), low = u.valToPos(s.lows[i], "y", true), high = u.valToPos(s.highs[i], "y", true);
        ctx.moveTo(at, low);
        ctx.lineTo(at, high);
        for (const y of [low, high]) {
          ctx.moveTo(at - 4 * px, y);
          ctx.lineTo(at + 4 * px, y);
        }
      });
      ctx.stroke();
    });
  }

  // drawBand shades a part of the x axis.
  function drawBand(u, band, look) {
    inside(u, (ctx, b) => {
      const from = u.valToPos(band.from, "x", true), to = u.valToPos(band.to, "x", true);
      ctx.globalAlpha = band.weak ? 0.1 : 0.2;
      ctx.fillStyle = band.grey ? look.soft : look.bad;
      ctx.fillRect(from, b.top, to - from, b.height);
    });
  }

  function drawMark(u, c, m, look) {
    inside(u, (ctx, b, px) => {
      ctx.textAlign = "left";
      ctx.lineWidth = 1.5 * px;
      if (m.xat != null && m.yat != null) {
        const x = u.valToPos(m.xat, "x", true), y = u.valToPos(m.yat, "y", true), right = x > b.left + b.width * 0.6;
        ctx.strokeStyle = ctx.fillStyle = several ? look.lines[m.run % look.lines.length] : look.ink;
        ctx.beginPath();
        ctx.arc(x, y, 9 * px, 0, 2 * Math.PI);
        ctx.stroke();
        if (!several) return; // the name of its point says it
        ctx.textAlign = right ? "right" : "left";
        ctx.textBaseline = "top";
        text(ctx, look, m.text, x + (right ? -12 : 12) * px, y + (4 + 14 * m.run) * px);
        return;
      }
      ctx.setLineDash([5 * px, 4 * px]);
      ctx.beginPath();
      if (m.yat != null) {
        const of = (o) => u.valToPos(o.yat, "y", true), y = of(m);
        ctx.strokeStyle = ctx.fillStyle = look.bad;
        ctx.moveTo(b.left, y);
        ctx.lineTo(b.left + b.width, y);
        ctx.stroke();
        const free = b.top + (c.marks.some((o) => o.yat == null && !o.side && !o.event) ? 18 : 3) * px; // below the names of the stages
        const below = (at) => at < free + 15 * px, place = (at) => (below(at) ? Math.max(free, at + 3 * px) + 12 * px : at - 3 * px);
        const words = (o) => (of(o) < b.top ? o.text + " (above this chart)" : o.text);
        ctx.textBaseline = "bottom";
        ctx.textAlign = m.side || "left";
        let x = m.side === "right" ? b.left + b.width - 6 * px : b.left + 6 * px;
        for (const o of c.marks.slice(0, c.marks.indexOf(m))) { // beside the texts that stand at the same height
          if (o.yat != null && o.xat == null && o.side === m.side && Math.abs(place(of(o)) - place(y)) < 14 * px) x += (m.side === "right" ? -1 : 1) * (ctx.measureText(words(o)).width + 12 * px);
        }
        text(ctx, look, words(m), x, place(y));
        return;
      }
      const x = u.valToPos(m.xat, "x", true);
      ctx.strokeStyle = look.soft;
      ctx.fillStyle = look.soft;
      ctx.moveTo(x, b.top);
      ctx.lineTo(x, b.top + b.height);
      ctx.stroke();
      ctx.textBaseline = "top";
      if (m.side) {
        ctx.fillStyle = look.ink;
        ctx.textAlign = m.side === "left" ? "right" : "left";
        text(ctx, look, m.text, x + (m.side === "left" ? -6 : 6) * px, b.top + b.height / 2);
        return;
      }
      text(ctx, look, m.text, Math.max(x, b.left) + 4 * px, b.top + 3 * px); // a stage may begin left of the first point
    });
  }

  // drawEvents draws what happened. Texts that would stand on each other stand in rows, as far as there is room.
  function drawEvents(u, events, look) {
    inside(u, (ctx, b, px) => {
      const rows = [], narrow = b.width < 600 * px; // on a phone their numbers in the table
      ctx.textBaseline = "bottom";
      for (const [i, m] of events.entries()) {
        const label = narrow ? String(i + 1) : m.text;
        const x = u.valToPos(m.xat, "x", true), width = ctx.measureText(label).width + 12 * px;
        if (x < b.left || x > b.left + b.width) continue;
        ctx.strokeStyle = ctx.fillStyle = look.ink;
        ctx.lineWidth = px;
        ctx.setLineDash([]);
        ctx.beginPath();
        ctx.moveTo(x, b.top);
        ctx.lineTo(x, b.top + b.height);
        ctx.stroke();
        const left = x + width > b.left + b.width && x - width > b.left, from = left ? x - width : x;
        let row = 0;
        while (rows.some(([r, f, t]) => r === row && f < from + width && from < t)) row++;
        if (row > 5) continue;
        rows.push([row, from, from + width]);
        ctx.textAlign = left ? "right" : "left";
        text(ctx, look, label, x + (left ? -4 : 4) * px, b.top + b.height - (3 + 15 * row) * px);
      }
    });
  }

  function optionsOf(c, look, width) {
    const time = c.id.startsWith("time-");
    return {
      width, height: 260, scales: scalesOf(c), axes: axesOf(c, look),
      legend: { show: false },
      series: [{}, ...c.series.map((s) => seriesOf(c, s, look))],
      cursor: {
        dataIdx: nearest, drag: { x: true, y: false, dist: 4 }, points: { size: 8 },
        ...(time ? { sync: { key: "time", setSeries: false, scales: ["x", null] } } : {}),
      },
      hooks: {
        ready: [(u) => { u.tip = tipOf(u); }],
        setCursor: [(u) => { if (u.tip) tell(u, c, look, u.tip); }],
        drawAxes: [(u) => { for (const band of c.bands || []) drawBand(u, band, look); }],
        draw: [(u) => {
          c.series.forEach((s, i) => { if (s.lows && u.series[i + 1].show) drawBars(u, s, look); });
          c.series.forEach((s, i) => { if (s.kind === "path" && u.series[i + 1].show) drawPath(u, c, s, look); });
          drawEvents(u, (c.marks || []).filter((m) => m.event), look);
          for (const m of c.marks || []) if (!m.event && (m.run < 0 || !away.has(m.run))) drawMark(u, c, m, look);
        }],
      },
    };
  }

  function draw(widths) {
    const look = colours();
    for (const p of plots) {
      p.plot.destroy();
      p.place.replaceChildren();
    }
    plots = data.charts.map((c) => {
      const figure = document.getElementById("chart-" + c.id), place = figure.querySelector(".plot");
      const tables = c.series.map(increasing);
      const width = widths ? figure.classList.contains("wide") ? widths.wide : widths.narrow : place.clientWidth;
      const plot = new uPlot(optionsOf(c, look, width), uPlot.join(tables), place);
      const shown = c.series.filter((s) => !s.hide && !away.has(s.run));
      figure.dataset.drawn = String(shown.reduce((n, s) => n + s.ys.filter((y) => y != null).length, 0));
      const p = { plot, place, chart: c };
      legend(p, look);
      return p;
    });
    body.dataset.charts = String(plots.length);
  }

  function show(run, visible) {
    visible ? away.delete(run) : away.add(run);
    for (const p of plots) {
      p.chart.series.forEach((s, i) => { if (s.run === run) reveal(p, i, visible && !s.hide); });
    }
  }

  for (const button of document.querySelectorAll(".runs button")) {
    button.addEventListener("click", () => {
      const visible = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(visible));
      show(Number(button.dataset.run), visible);
    });
  }

  draw();
  body.dataset.ms = (performance.now() - began).toFixed(0);

  let waiting = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => { for (const p of plots) p.plot.setSize({ width: p.place.clientWidth, height: 260 }); });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());

  // On paper all tables are open, and the charts as wide as it.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const d of closed) d.open = true;
    draw(printed);
  });
  addEventListener("afterprint", () => {
    for (const d of closed) d.open = false;
    draw();
  });
})();

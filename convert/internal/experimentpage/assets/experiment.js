"use strict";
// Draws the front, sorts the table of cells and compares two settings, from the JSON in the page. Texts go into the page
// as text, never as HTML.
(() => {
  const body = document.body;
  let errors = 0;
  body.dataset.errors = "0";
  addEventListener("error", () => { body.dataset.errors = String(++errors); });
  const data = JSON.parse(document.getElementById("page-data").textContent);
  const space = "http://www.w3.org/2000/svg";
  const find = (selector) => document.querySelector(selector);

  // element makes an element that holds a text.
  function element(name, label, parent) {
    const e = document.createElement(name);
    if (label) e.textContent = label;
    parent?.append(e);
    return e;
  }

  // shape makes an element of a drawing.
  function shape(name, all, parent, label) {
    const e = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(all)) e.setAttribute(key, value);
    if (label != null) e.textContent = label;
    parent?.append(e);
    return e;
  }

  // number writes a value with three digits or so.
  function number(v) {
    if (v == null) return "–";
    const a = Math.abs(v);
    if (a !== 0 && a < 0.001) return v.toExponential(1);
    const digits = a === 0 || a >= 100 ? 0 : a >= 10 ? 1 : a >= 1 ? 2 : 3;
    return v.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }
  const unit = (k) => !k.unit ? "" : k.unit.startsWith("1/") ? k.unit.slice(1) : " " + k.unit;
  const between = (f, k) => f[1] == null || f[2] == null ? "" : ` (${number(f[1] * k.factor)} to ${number(f[2] * k.factor)})`;

  // Settings of a deployment with its parameters have its colour and shape.
  const shapes = ["circle", "square", "triangle", "diamond"];
  const ink = (variant) => `var(--c${variant % 8})`;
  function mark(parent, kind, x, y, r, all) {
    switch (kind) {
      case "circle": return shape("circle", { cx: x, cy: y, r, ...all }, parent);
      case "square": return shape("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r, ...all }, parent);
      case "triangle": return shape("path", { d: `M${x} ${y - r * 1.2}L${x + r * 1.15} ${y + r * 0.85}H${x - r * 1.15}Z`, ...all }, parent);
      case "diamond": return shape("path", { d: `M${x} ${y - r * 1.3}L${x + r * 1.3} ${y}L${x} ${y + r * 1.3}L${x - r * 1.3} ${y}Z`, ...all }, parent);
      default: return shape("path", { d: `M${x - r} ${y - r}L${x + r} ${y + r}M${x - r} ${y + r}L${x + r} ${y - r}`, ...all, fill: "none" }, parent);
    }
  }
  const shapeOf = (variant) => shapes[Math.floor(variant / 8) % shapes.length];

  // leastSpan is the part of a value that an axis shows at least, so that noise is not drawn as a staircase.
  const leastSpan = 0.1;

  // axis maps values to a line of the drawing: from zero on unless they are all far from it, or by logarithms if they
  // are far apart.
  function axis(values, from, to) {
    const all = values.filter((v) => v != null && isFinite(v)), middle = (Math.min(...all) + Math.max(...all)) / 2;
    const low = Math.min(...all, middle * (1 - leastSpan / 2)), high = Math.max(...all, middle * (1 + leastSpan / 2));
    const log = low > 0 && high / low > 30;
    if (!log) {
      const bottom = low > 0.4 * high ? low - 0.15 * (high - low || high) : 0, top = high + 0.08 * (high - bottom) || 1;
      const step = [1, 2, 2.5, 5, 10].map((m) => m * 10 ** Math.floor(Math.log10((top - bottom) / 5))).find((s) => (top - bottom) / s <= 6.5);
      const ticks = [];
      for (let n = Math.ceil(bottom / step); n * step <= top; n++) ticks.push(n * step);
      return { at: (v) => from + ((v - bottom) / (top - bottom)) * (to - from), ticks };
    }
    const a = Math.log(low / 1.15), b = Math.log(high * 1.15), ticks = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
      for (const m of high / low > 1000 ? [1] : [1, 2, 5]) ticks.push(m * 10 ** e);
    }
    return { at: (v) => from + ((Math.log(v) - a) / (b - a)) * (to - from), ticks: ticks.filter((v) => Math.log(v) >= a && Math.log(v) <= b) };
  }
  const tick = (v) => v.toLocaleString("en", { maximumSignificantDigits: 4 });

  const figure = find("#front");
  let current = null, tip = null;

  function say(x, y, lines) {
    tip.replaceChildren();
    lines.forEach((text, i) => element(i ? "span" : "strong", text, tip));
    tip.style.display = "block";
    const room = figure.clientWidth - tip.offsetWidth - 4;
    tip.style.left = Math.max(2, Math.min(room, x + 14)) + "px";
    tip.style.top = y + 18 + "px";
  }

  // tell makes a mark say what it is, to a pointer and to a keyboard.
  function tell(m, x, y, lines) {
    shape("title", {}, m, lines.join("\n"));
    m.setAttribute("tabindex", "0");
    m.setAttribute("role", "img");
    m.setAttribute("aria-label", lines.join(", "));
    const top = figure.querySelector(".plot").offsetTop;
    for (const type of ["mouseenter", "focus"]) m.addEventListener(type, () => say(x, y + top, lines));
    for (const type of ["mouseleave", "blur"]) m.addEventListener(type, () => { tip.style.display = "none"; });
  }

  const words = { front: "on the front", front_within_noise: "on the front within noise only", dominated: "dominated" };

  // pointsOf gathers the points of a front with what to draw of them.
  function pointsOf(f) {
    return f.points.map((p) => {
      const s = data.settings[p.s], x = s.figures[f.x.name], y = s.figures[f.y.name];
      return { ...p, set: s, fx: x, fy: y, x: x[0] * f.x.factor, y: y[0] * f.y.factor };
    });
  }

  const looseOf = (list, f) => list.filter((p) => p.workload === f.workload && p.values[f.x.name] != null && p.values[f.y.name] != null)
    .map((p) => ({ ...p, x: p.values[f.x.name] * f.x.factor, y: p.values[f.y.name] * f.y.factor }));

  // farWhisker is how far beyond all points an axis follows an interval; what is longer is cut off at the edge.
  const farWhisker = 1.25;

  // ends returns what an axis must show: the values of a figure, and their intervals unless they are far out.
  function ends(list, key, k) {
    const values = list.map((p) => p[key]), low = Math.min(...values) / farWhisker, high = Math.max(...values) * farWhisker;
    const reach = list.flatMap((p) => (p["f" + key] || []).slice(1, 3)).filter((v) => v != null);
    return [...values, ...reach.map((v) => Math.min(high, Math.max(low, v * k.factor)))];
  }

  function drawAxes(svg, box, X, Y, f) {
    for (const v of X.ticks) {
      shape("line", { class: "axis", x1: X.at(v), x2: X.at(v), y1: box.top, y2: box.bottom }, svg);
      shape("text", { class: "tick", x: X.at(v), y: box.bottom + 16, "text-anchor": "middle" }, svg, tick(v));
    }
    for (const v of Y.ticks) {
      shape("line", { class: "axis", x1: box.left, x2: box.right, y1: Y.at(v), y2: Y.at(v) }, svg);
      shape("text", { class: "tick", x: box.left - 6, y: Y.at(v) + 4, "text-anchor": "end" }, svg, tick(v));
    }
    const better = f.x.higher_is_better ? "→" : "←";
    shape("text", { x: (box.left + box.right) / 2, y: box.bottom + 34, "text-anchor": "middle" }, svg, `${f.x.title}${f.x.unit === "ms" ? ", ms" : ""} ${better}`);
    shape("text", { x: box.left, y: box.top - 10 }, svg, f.y.title + " ↑");
  }

  // drawStairs joins what no point dominates.
  function drawStairs(svg, points, X, Y, higher) {
    const best = points.filter((p) => p.best).sort((a, b) => a.x - b.x || b.y - a.y);
    let d = "";
    best.forEach((p, i) => {
      const x = X.at(p.x), y = Y.at(p.y);
      d += i === 0 ? `M${x} ${y}` : higher ? `V${y}H${x}` : `H${x}V${y}`;
    });
    if (best.length > 1) shape("path", { class: "stairs", d }, svg);
  }

  function drawCurves(svg, points, X, Y) {
    const lists = new Map();
    for (const p of points) lists.set(p.set.variant, [...(lists.get(p.set.variant) || []), p]);
    for (const [variant, list] of lists) {
      const d = list.sort((a, b) => a.x - b.x).map((p, i) => (i ? "L" : "M") + X.at(p.x) + " " + Y.at(p.y)).join("");
      shape("path", { class: "curve", d, stroke: ink(variant) }, svg);
    }
  }

  // drawLabels writes names beside the points of the front where there is room, and numbers beside the others.
  function drawLabels(svg, points, X, Y, box) {
    const taken = points.map((p) => [X.at(p.x) - 5, Y.at(p.y) - 5, X.at(p.x) + 5, Y.at(p.y) + 5]);
    const free = (r) => r[0] >= box.left && r[2] <= box.right + 8 && r[1] >= box.top && r[3] <= box.bottom && !taken.some((t) => r[0] < t[2] && r[2] > t[0] && r[1] < t[3] && r[3] > t[1]);
    const rank = (p) => p.place === "front" ? 0 : p.place === "front_within_noise" ? 1 : 2;
    for (const p of [...points].sort((a, b) => rank(a) - rank(b))) {
      const x = X.at(p.x), y = Y.at(p.y), sign = p.set.suspect ? " !" : "", texts = [p.s + 1 + sign];
      if (rank(p) < 2) texts.unshift(`${p.s + 1}${sign} ${data.variants[p.set.variant]}, ${p.set.load}`);
      place: for (const text of texts) {
        const long = text.length > 4, width = text.length * (long ? 6.9 : 6) + 4;
        for (const [dx, dy, anchor] of [[9, -8, "start"], [9, 16, "start"], [-9, -8, "end"], [-9, 16, "end"], [9, 4, "start"], [-9, 4, "end"]]) {
          const left = anchor === "start" ? x + dx : x + dx - width, r = [left, y + dy - 10, left + width, y + dy + 3];
          if (!free(r)) continue;
          taken.push(r);
          shape("text", { class: (long ? "label" : "digit") + " halo", x: x + dx, y: y + dy, "text-anchor": anchor }, svg, text);
          break place;
        }
      }
    }
  }

  function drawPoint(svg, p, f, X, Y, many) {
    const x = X.at(p.x), y = Y.at(p.y), below = p.place === "dominated", colour = ink(p.set.variant);
    const whisker = { class: "whisker", stroke: colour, "clip-path": "url(#within)" };
    if (!(many && below)) {
      if (p.fx[1] != null && p.fx[2] != null) shape("line", { ...whisker, x1: X.at(p.fx[1] * f.x.factor), x2: X.at(p.fx[2] * f.x.factor), y1: y, y2: y }, svg);
      if (p.fy[1] != null && p.fy[2] != null) shape("line", { ...whisker, x1: x, x2: x, y1: Y.at(p.fy[1] * f.y.factor), y2: Y.at(p.fy[2] * f.y.factor) }, svg);
    }
    const noise = p.place === "front_within_noise";
    const m = mark(svg, shapeOf(p.set.variant), x, y, below ? 4 : 6, { class: "mark", stroke: colour, opacity: below ? 0.55 : 1, fill: noise ? "var(--paper)" : colour, "stroke-dasharray": noise ? "3 2" : "none", "data-place": p.place });
    const lines = [`${p.s + 1} ${p.set.name}`, `${f.y.title} ${number(p.y)}${between(p.fy, f.y)}`, `${f.x.title} ${number(p.x)}${between(p.fx, f.x)}`, words[p.place] || ""];
    if (p.set.suspect) lines.push("! the load generator was SUSPECT");
    if (p.above >= 0) lines[3] += ` (by ${p.above + 1} ${data.settings[p.above].name})`;
    tell(m, x, y, lines);
  }

  function drawFront() {
    const f = current, plot = figure.querySelector(".plot"), points = pointsOf(f);
    const out = looseOf(data.out, f), probes = looseOf(data.probes, f), many = points.length > 150;
    const width = Math.max(280, plot.clientWidth), height = width < 600 ? 360 : 460;
    const box = { left: 54, right: width - 14, top: 28, bottom: height - 44 };
    const all = [...points, ...out, ...probes];
    const X = axis(ends(all, "x", f.x), box.left, box.right), Y = axis(ends(all, "y", f.y), box.bottom, box.top);
    plot.replaceChildren();
    const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "group", "aria-label": `${f.y.title} against ${f.x.title}` }, plot);
    figure.querySelector("figcaption").textContent = `${f.y.title} against ${f.x.title}` + (new Set(data.fronts.map((o) => o.workload)).size > 1 ? `, workload ${f.workload}` : "");
    const within = shape("clipPath", { id: "within" }, svg);
    shape("rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top }, within);
    drawAxes(svg, box, X, Y, f);
    if (data.variants.length <= 40) drawCurves(svg, points, X, Y);
    drawStairs(svg, points, X, Y, f.x.higher_is_better);
    for (const p of probes) tell(mark(svg, "circle", X.at(p.x), Y.at(p.y), 2.5, { class: "mark", fill: "none", stroke: ink(p.variant), opacity: 0.7 }), X.at(p.x), Y.at(p.y), [p.name, p.why]);
    for (const p of out) tell(mark(svg, "cross", X.at(p.x), Y.at(p.y), 5, { class: "mark", stroke: "var(--bad)" }), X.at(p.x), Y.at(p.y), [p.name, "not counted: " + p.why]);
    for (const p of many ? [] : out) shape("text", { class: "digit halo", x: X.at(p.x) + 8, y: Y.at(p.y) + 4 }, svg, p.label);
    const order = { dominated: 0, front_within_noise: 1, front: 2 };
    for (const p of [...points].sort((a, b) => order[a.place] - order[b.place])) drawPoint(svg, p, f, X, Y, many);
    if (!many) drawLabels(svg, points, X, Y, box);
    figure.dataset.drawn = String(points.length);
    drawLegend(points, out, probes);
  }

  function drawLegend(points, out, probes) {
    const legend = figure.querySelector(".legend");
    legend.replaceChildren();
    const add = (kind, text, all) => {
      const item = element("span", "", legend);
      mark(shape("svg", { width: 16, height: 14 }, item), kind, 8, 7, 5, { "stroke-width": 2, ...all });
      item.append(text);
    };
    const seen = [...new Set([...points.map((p) => p.set.variant), ...probes.map((p) => p.variant)])];
    for (const v of seen.slice(0, 16)) add(shapeOf(v), data.variants[v], { fill: ink(v), stroke: ink(v) });
    if (seen.length > 16) element("span", `and ${seen.length - 16} more`, legend);
    const has = (place) => points.some((p) => p.place === place);
    if (has("front_within_noise")) add("circle", "on the front within noise only", { fill: "none", stroke: "var(--ink)", "stroke-dasharray": "3 2" });
    if (has("dominated")) add("circle", "dominated: small and pale", { fill: "var(--soft)", stroke: "var(--soft)", opacity: 0.55 });
    if (points.some((p) => p.set.suspect)) element("span", "! the load generator was SUSPECT", legend);
    if (out.length) add("cross", "not counted", { stroke: "var(--bad)" });
    if (probes.length) add("circle", "a probe of a search", { fill: "none", stroke: "var(--soft)" });
  }

  // choose offers the workloads, and the figures that go up.
  function choose() {
    const workloads = [...new Set(data.fronts.map((f) => f.workload))], pick = find("#pick-workload"), list = pick.querySelector("select"), ys = find("#pick-y");
    pick.hidden = workloads.length < 2;
    for (const name of workloads) element("option", name, list).value = name;
    const show = (f) => {
      current = f;
      ys.replaceChildren();
      const same = data.fronts.filter((o) => o.workload === f.workload);
      for (const o of same.length > 1 ? same : []) {
        const b = element("button", o.y.title, ys);
        b.type = "button";
        b.setAttribute("aria-pressed", String(o === f));
        b.addEventListener("click", () => show(o));
        ys.append(" ");
      }
      drawFront();
    };
    list.addEventListener("change", () => show(data.fronts.find((f) => f.workload === list.value)));
    show(data.fronts[0]);
  }

  // sorting by a column: numbers by their value, texts as people sort them.
  function sortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const h of heads) h.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.sort ?? (head.classList.contains("n") ? "" : row.cells[column].textContent);
      const rows = [...table.tBodies[0].rows].map((row) => [key(row), row]);
      const compare = new Intl.Collator("en", { numeric: true }).compare, isNumber = (k) => k !== "" && !isNaN(k);
      rows.sort(([a], [b]) => {
        if ((a === "") !== (b === "")) return a === "" ? 1 : -1;
        return (isNumber(a) && isNumber(b) ? a - b : compare(a, b)) * (down ? -1 : 1);
      });
      table.tBodies[0].append(...rows.map(([, row]) => row));
    }));
  }

  // student turns the normal quantile of 95 % into one of Student's t: Wallace's approximation, and the exact ones of
  // one and two degrees of freedom.
  function student(freedom) {
    if (freedom < 2) return 12.706;
    if (freedom < 3) return 4.303;
    const z = 1.959964 * (8 * freedom + 3) / (8 * freedom + 1);
    return Math.sqrt(freedom * Math.expm1(z * z / freedom));
  }

  // change returns by how much a figure differs, as a factor with its interval. Two figures that share the deviation of
  // all repeats know it no better than one.
  function change(a, b) {
    const [va, , , sa, na, ofAll] = a, [vb, , , sb, nb, ofAllToo] = b;
    if (!(va > 0 && vb > 0)) return null;
    const log = Math.log(vb / va);
    if (sa == null || sb == null) return [Math.exp(log)];
    const v = sa * sa + sb * sb, below = ofAll && ofAllToo ? v * v / (na || 1) : sa ** 4 / (na || 1) + sb ** 4 / (nb || 1);
    const reach = v ? student(v * v / below) * Math.sqrt(v) : 0;
    return [Math.exp(log), Math.exp(log - reach), Math.exp(log + reach)];
  }

  const quoted = (text) => /^[\w@%+=:,./-]+$/.test(text) ? text : "'" + text.replace(/'/g, "'\\''") + "'";

  // mostTelling returns the numbers of two settings: the best of the first front by the figure that goes up, and before
  // it the best of another deployment at the same load.
  function mostTelling(list) {
    const first = list[0][1], second = list[1][1], f = data.fronts[0];
    if (!f) return [first, second];
    const able = new Set(list.map(([, i]) => i));
    const points = pointsOf(f).filter((p) => able.has(p.s)).sort((a, b) => b.y - a.y), best = points[0];
    if (!best) return [first, second];
    const rivals = points.filter((p) => p.set.variant !== best.set.variant);
    const rival = rivals.find((p) => p.set.load === best.set.load) || rivals[0] || points[1];
    return [rival ? rival.s : best.s === first ? second : first, best.s];
  }

  function compare() {
    const section = find("#compare"), base = find("#base"), fresh = find("#new"), rows = find("#changes").tBodies[0];
    const list = data.settings.map((s, i) => [s, i]).filter(([s]) => s.reports.length);
    for (const pick of [base, fresh]) for (const [s, i] of list) element("option", `${i + 1} ${s.name}`, pick).value = i;
    const [worse, better] = mostTelling(list);
    base.value = worse;
    fresh.value = better;
    const show = () => {
      const a = data.settings[base.value], b = data.settings[fresh.value], several = a.reports.length > 1 || b.reports.length > 1;
      section.querySelector("code").textContent = ["llmconv compare", ...a.reports.map(quoted), ...(several ? [":"] : []), ...b.reports.map(quoted)].join(" ");
      rows.replaceChildren();
      for (const k of data.kinds) {
        const x = a.figures[k.name], y = b.figures[k.name];
        if (!x || !y) continue;
        const row = element("tr", "", rows), c = change(x, y);
        element("th", k.title, row).scope = "row";
        for (const f of [x, y]) element("td", (f[0] == null ? "–" : number(f[0] * k.factor) + unit(k)) + between(f, k), row).className = "n";
        const sure = c && c.length > 1 && (c[1] > 1 || c[2] < 1);
        const cell = element("td", !c ? "–" : "×" + number(c[0]) + (c.length > 1 ? ` (${number(c[1])} to ${number(c[2])})` : ""), row);
        cell.className = "n " + (!sure ? "unsure" : (c[0] > 1) === k.higher_is_better ? "better" : "worse");
        element("td", !c || c.length < 2 ? "noise unknown" : !sure ? "within noise" : (c[0] > 1) === k.higher_is_better ? "better" : "worse", row);
      }
    };
    for (const pick of [base, fresh]) pick.addEventListener("change", show);
    section.querySelector("button").addEventListener("click", () => navigator.clipboard?.writeText(section.querySelector("code").textContent));
    section.hidden = false;
    show();
  }

  if (figure) {
    tip = element("div", "", figure);
    tip.className = "tip";
    choose();
    let waiting = 0;
    addEventListener("resize", () => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(drawFront);
    });
  }
  if (find("#cells")) sortable(find("#cells"));
  if (find("#compare")) compare();
  body.dataset.done = "1";
})();

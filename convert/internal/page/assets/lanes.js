"use strict";
// Draws the swim lanes of sessions from the JSON in the page. Texts go into the page as text, never as HTML.
(() => {
  const data = JSON.parse(document.getElementById("page-data").textContent);
  const rowHeight = 9, between = 7, axis = 22, least = 1.5;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const palette = () => ({
    ink: colour("--ink"), soft: colour("--soft"), line: colour("--line"), band: colour("--band"), paper: colour("--paper"),
    prefill: colour("--c0"), decode: colour("--c5"), tool: colour("--c4"), think: colour("--c3"), wait: colour("--c7"),
    late: colour("--warn"), failed: colour("--bad"), cut: colour("--soft"),
  });

  // time writes seconds with three digits or so.
  function time(s) {
    if (s == null) return "–";
    const a = Math.abs(s);
    if (a === 0) return "0";
    if (a < 1) return (s * 1000).toFixed(a < 0.01 ? 1 : 0) + " ms";
    return (a < 100 ? s.toFixed(a < 10 ? 2 : 1) : s.toFixed(0)) + " s";
  }

  // ticks are round instants between two.
  function ticks(from, to) {
    const rough = (to - from) / 8, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((d) => d * power).find((d) => d >= rough), list = [];
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) list.push(t);
    return list;
  }

  // said lists what there is to say of a call.
  function said(session, call) {
    const kinds = { tool: "for a tool", think: "for a person", wait: "as the trace says" };
    const lines = [["", session.name], ["", call.name]];
    if (call.ready > call.pause) lines.push(["waited", time(call.ready - call.pause) + " " + (kinds[call.kind] || kinds.wait)]);
    if (call.start > call.ready) lines.push(["sent", time(call.start - call.ready) + " late"]);
    lines.push(["sent at", time(call.start)]);
    if (call.first != null) lines.push(["first token after", time(call.first - call.start)]);
    lines.push(["took", time(call.end - call.start)]);
    if (call.error) lines.push(["failed", call.error]);
    if (call.cut) lines.push(["cut", call.cut]);
    return lines;
  }

  function draw(box, lanes) {
    const place = box.querySelector(".bands"), sessions = lanes.sessions;
    place.replaceChildren();
    const canvas = document.createElement("canvas"), tip = document.createElement("div");
    tip.className = "tip";
    place.append(canvas, tip);
    const all = [Math.min(...sessions.map((s) => s.from)), Math.max(...sessions.map((s) => s.to))];
    if (all[1] <= all[0]) all[1] = all[0] + 1;
    let view = all.slice(), drag = null, bars = [];
    const width = () => Math.max(320, place.clientWidth), gutter = () => Math.min(170, width() * 0.25);
    let high = axis;
    const tops = sessions.map((s) => { const top = high; high += s.rows * rowHeight + between; return top; });
    const x = (t) => gutter() + (t - view[0]) / (view[1] - view[0]) * (width() - gutter() - 6);
    const at = (px) => view[0] + (px - gutter()) / (width() - gutter() - 6) * (view[1] - view[0]);

    function bar(ctx, from, to, top, height, fill) {
      if (!(to > from)) return;
      const left = Math.max(x(from), gutter()), right = Math.min(Math.max(x(to), x(from) + least), width() - 6);
      if (right <= left) return;
      ctx.fillStyle = fill;
      ctx.fillRect(left, top, right - left, height);
    }

    function call(ctx, c, top, look) {
      const middle = top + rowHeight / 2 - 1.5, body = rowHeight - 2;
      bar(ctx, c.pause, c.ready, middle, 3, look[c.kind] || look.wait);
      bar(ctx, c.ready, c.start, top + 1, body, look.late);
      if (c.error) bar(ctx, c.start, c.end, top + 1, body, look.failed);
      else if (c.cut) bar(ctx, c.start, c.end, top + 1, body, look.cut);
      else {
        bar(ctx, c.start, c.first ?? c.end, top + 1, body, look.prefill);
        if (c.first != null) bar(ctx, c.first, c.end, top + 1, body, look.decode);
      }
    }

    function paint() {
      const look = palette(), scale = devicePixelRatio || 1;
      canvas.width = width() * scale;
      canvas.height = high * scale;
      canvas.style.height = high + "px";
      const ctx = canvas.getContext("2d");
      ctx.scale(scale, scale);
      ctx.font = "11px system-ui, sans-serif";
      ctx.textBaseline = "middle";
      bars = [];
      let drawn = 0;
      for (const t of ticks(view[0], view[1])) {
        ctx.fillStyle = look.line;
        ctx.fillRect(x(t), axis - 4, 1, high);
        ctx.fillStyle = look.soft;
        ctx.fillText(time(t), x(t) + 3, 8);
      }
      sessions.forEach((s, i) => {
        const top = tops[i], tall = s.rows * rowHeight;
        bar(ctx, s.from, s.to, top - 1, tall + 2, look.band);
        for (const c of s.calls) {
          if (c.end < view[0] || c.pause > view[1]) continue;
          call(ctx, c, top + c.row * rowHeight, look);
          bars.push({ s, c, top: top + c.row * rowHeight });
          drawn++;
        }
        ctx.fillStyle = look.paper;
        ctx.fillRect(0, top - 2, gutter() - 4, tall + 4);
        ctx.fillStyle = s.error ? look.failed : s.cut ? look.soft : look.ink;
        let name = (s.error ? "✗ " : s.cut ? "✂ " : "") + s.name;
        while (name.length > 4 && ctx.measureText(name).width > gutter() - 12) name = name.slice(0, -2) + "…";
        ctx.fillText(name, 2, top + tall / 2);
      });
      if (drag) {
        ctx.fillStyle = look.prefill + "33";
        ctx.fillRect(Math.min(drag.from, drag.to), 0, Math.abs(drag.to - drag.from), high);
      }
      box.dataset.calls = String(drawn);
    }

    const spot = (e) => { const r = canvas.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };

    // tell shows what is below the pointer, beside it.
    function tell(px, py) {
      const hit = px < gutter() ? null : bars.find((b) => py >= b.top && py < b.top + rowHeight && x(b.c.pause) - 2 <= px && px <= x(b.c.end) + 2);
      const named = px < gutter() ? sessions[tops.findLastIndex((top) => top <= py)] : null;
      tip.style.display = "none";
      if (!hit && !named) return;
      const lines = hit ? said(hit.s, hit.c) : [["", named.name], ["took", time(named.to - named.from)], ["calls", String(named.calls.length)], ...(named.error ? [["failed", named.error]] : [])];
      tip.replaceChildren();
      lines.forEach(([what, value], i) => {
        const line = document.createElement(i === 0 ? "strong" : "span");
        line.textContent = what ? what + " " + value : value;
        tip.append(line);
      });
      tip.style.display = "block";
      const left = px > width() / 2;
      tip.style.left = left ? "" : px + 14 + "px";
      tip.style.right = left ? width() - px + 14 + "px" : "";
      tip.style.top = Math.max(0, Math.min(py + 12, high - tip.offsetHeight)) + "px";
    }

    canvas.addEventListener("mousedown", (e) => {
      const [px] = spot(e);
      if (px >= gutter()) drag = { from: px, to: px };
    });
    canvas.addEventListener("mousemove", (e) => {
      const [px, py] = spot(e);
      if (drag) {
        drag.to = Math.max(gutter(), px);
        paint();
      }
      tell(px, py);
    });
    canvas.addEventListener("mouseup", () => {
      if (drag && Math.abs(drag.to - drag.from) > 4) view = [at(Math.min(drag.from, drag.to)), at(Math.max(drag.from, drag.to))];
      drag = null;
      paint();
    });
    canvas.addEventListener("mouseleave", () => { drag = null; tip.style.display = "none"; paint(); });
    canvas.addEventListener("dblclick", () => { view = all.slice(); paint(); });
    canvas.addEventListener("click", (e) => {
      const [px, py] = spot(e), s = px < gutter() ? sessions[tops.findLastIndex((top) => top <= py)] : null;
      if (s) view = s.to > s.from ? [s.from, s.to] : all.slice();
      if (s) paint();
    });
    paint();
    return paint;
  }

  const paints = (data.lanes || []).map((lanes) => draw(document.getElementById(lanes.id), lanes));
  const again = () => { for (const paint of paints) paint(); };
  addEventListener("resize", () => requestAnimationFrame(again));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
})();

// A chart of actual usage for each resource, by day or month in UTC, with the charged units beside it. The
// chart is read like a slider: arrow keys, or the pointer, choose a bar, which is then said in words. The
// same figures are in a table below it.

const bars_of = {day: 30, month: 24};
const chart_height = 150;
const chart_margin = {top: 8, right: 2, bottom: 22};
const digit_width = 7; // of the axis' text, at least

// The first moments of the last days or months, up to now's.
function periods(by, now) {
  const today = new Date(now);
  const starts = [];
  for (let back = bars_of[by] - 1; back >= 0; --back) {
    starts.push(by === "day"
      ? Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate() - back)
      : Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - back, 1));
  }
  return starts;
}

// Adds the rows of agents and subjects up: resource -> a bar for each period. What is held at once is not
// a sum: of a returnable resource the most that one of them held is shown.
function bars_by_resource(rows, starts, cards) {
  const places = new Map(starts.map((start, place) => [start, place]));
  const resources = new Map();
  for (const row of rows) {
    const place = places.get(Date.parse(row.from));
    if (place === undefined) continue;
    const returnable = cards.get(row.resource)?.kind === "returnable";
    if (!resources.has(row.resource)) {
      resources.set(row.resource, starts.map((start) => ({start, usage: 0, units: returnable ? null : 0})));
    }
    const bar_at = resources.get(row.resource)[place];
    bar_at.usage = returnable ? Math.max(bar_at.usage, row.usage) : bar_at.usage + row.usage;
    if (!returnable) bar_at.units += row.units;
  }
  return resources;
}

// Round steps up to at least the maximum: 1, 2 or 5 times a power of ten.
function scale(maximum) {
  const rough = maximum / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const ticks = [];
  for (let count = 0; (count - 1) * step < maximum; ++count) ticks.push(count * step);
  return ticks;
}

// How large usage is written on the axis: hours, minutes or seconds of processing time, or a count.
function axis_unit(maximum, measure) {
  if (measure !== "duration") return {size: 1, text: (value) => short_format.format(value)};
  const [unit, size] = maximum >= 36_000_000 ? ["hour", 3_600_000] : maximum >= 120_000 ? ["minute", 60_000]
    : ["second", 1000];
  return {size, text: (value) => in_unit(value, unit, "short", 3)};
}

function period_name(start, by) {
  return date(start, by === "day" ? {dateStyle: "medium", timeZone: "UTC"}
    : {month: "long", year: "numeric", timeZone: "UTC"});
}

function tick_name(start, by) {
  return date(start, by === "day" ? {day: "numeric", month: "short", timeZone: "UTC"}
    : {month: "short", year: "2-digit", timeZone: "UTC"});
}

// Of what is held and given back nothing is charged by the unit.
function usage_words(of, measure) {
  const usage = amount(of.usage, measure);
  return of.units === null ? usage : `${usage}, ${units(of.units)}`;
}

function bar_words(of, by, measure) {
  return word("pair", {name: period_name(of.start, by), value: usage_words(of, measure)});
}

function draw(width, bars, by, measure) {
  const unit = axis_unit(Math.max(...bars.map((of) => of.usage)), measure);
  const ticks = scale(Math.max(1, ...bars.map((of) => of.usage / unit.size)));
  const left = 8 + digit_width * Math.max(...ticks.map((tick) => unit.text(tick).length));
  const inner = {width: width - left - chart_margin.right,
    height: chart_height - chart_margin.top - chart_margin.bottom};
  const bottom = chart_margin.top + inner.height;
  const y = (value) => bottom - inner.height * value / ticks.at(-1);
  const slot = inner.width / bars.length;
  const every = Math.ceil(64 / slot);
  const svg = drawn("g", {});
  for (const tick of ticks) {
    svg.append(
      drawn("line", {class: "grid", x1: left, x2: width - chart_margin.right, y1: y(tick), y2: y(tick)}),
      drawn("text", {x: left - 6, y: y(tick) + 4, "text-anchor": "end"}, unit.text(tick)));
  }
  bars.forEach((of, place) => {
    const x = left + place * slot;
    const top = of.usage > 0 ? Math.min(y(of.usage / unit.size), bottom - 1) : bottom;
    svg.append(
      drawn("rect", {class: "slot", "data-place": place, x, y: chart_margin.top, width: slot, height: inner.height}),
      drawn("rect", {class: "usage", x: x + slot * 0.12, y: top, width: slot * 0.76, height: bottom - top, rx: 1.5}));
    if ((bars.length - 1 - place) % every === 0) {
      const last = place === bars.length - 1;
      svg.append(drawn("text", {x: last ? x + slot : x + slot / 2, y: chart_height - 5,
        "text-anchor": last ? "end" : "middle"}, tick_name(of.start, by)));
    }
  });
  return svg;
}

function chart(resource, name, bars, by, measure) {
  const label = word("chart", {resource: name, period: word(by === "day" ? "last_days" : "last_months")});
  const readout = element("p", {class: "readout", "aria-hidden": "true"});
  const svg = drawn("svg", {role: "slider", tabindex: "0", "aria-label": label, "aria-valuemin": 0,
    "aria-valuemax": bars.length - 1, height: chart_height, "data-resource": resource});
  let chosen = bars.length - 1;

  const choose = (place) => {
    chosen = Math.min(bars.length - 1, Math.max(0, place));
    const text = bar_words(bars[chosen], by, measure);
    readout.textContent = text;
    svg.setAttribute("aria-valuenow", chosen);
    svg.setAttribute("aria-valuetext", text);
    svg.querySelectorAll(".slot").forEach((slot, at) => slot.classList.toggle("chosen", at === chosen));
  };
  const steps = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -7, PageUp: 7,
    Home: -bars.length, End: bars.length};
  svg.addEventListener("keydown", (event) => {
    if (!(event.key in steps)) return;
    event.preventDefault();
    choose(chosen + steps[event.key]);
  });
  svg.addEventListener("pointermove", (event) => {
    if (event.target.dataset.place) choose(Number(event.target.dataset.place));
  });
  const plot = element("div", {class: "plot"}, svg);
  new ResizeObserver(() => {
    const width = Math.max(240, plot.clientWidth);
    svg.setAttribute("width", width);
    svg.setAttribute("viewBox", `0 0 ${width} ${chart_height}`);
    svg.replaceChildren(draw(width, bars, by, measure));
    choose(chosen);
  }).observe(plot);
  choose(chosen);
  return {plot, readout, label};
}

function usage_figure(resource, bars, by, card) {
  const measure = card?.measure ?? "count";
  const name = card?.name || resource;
  const {plot, readout, label} = chart(resource, name, bars, by, measure);
  const used = bars.filter((of) => of.usage > 0 || of.units > 0).reverse();
  const total = bars.reduce((sum, of) => ({usage: sum.usage + of.usage, units: sum.units + of.units}));
  const sum = card?.kind === "returnable" ? null
    : element("p", {class: "sum"}, usage_words(total, measure));
  return element("figure", {class: "card"},
    element("figcaption", {class: "head"}, element("h3", {}, name), sum),
    plot,
    readout,
    element("details", {}, element("summary", {}, word("as_table"), element("span", {class: "unseen"}, ` ${label}`)),
      long_table(label, [[by === "day" ? word("day") : word("month")], [word("usage"), "number"], [word("charged"), "number"]],
        used.map((of) => [period_name(of.start, by), amount(of.usage, measure), number(of.units ?? 0)]))));
}

function show_usage(rows, by, cards, now) {
  const resources = bars_by_resource(rows, periods(by, now), cards);
  by_id("charts").replaceChildren(...(resources.size
    ? [...resources].map(([resource, bars]) => usage_figure(resource, bars, by, cards.get(resource)))
    : [empty(word("no_usage"))]));
}

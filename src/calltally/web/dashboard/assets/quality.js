// Draws the charts of the quality, launch and alert pages, with links to calls. The tables have the same numbers.
// A module: its names do not conflict with other scripts of the page.

const chartData = JSON.parse(document.getElementById("chart-data").textContent);
const views = document.querySelector(".views");
const charts = new Map();
// A shorter drag is an unsteady click.
const BRUSH_PX = 8;
const MOST_DOTS = 60;
const [VALUE, LOW, HIGH, CALLS, SMALL, BASE] = [0, 1, 2, 3, 4, 5];

const NAMES = ["accent", "bad", "line", "paper", "soft"];
// Read from the style sheet once: each chart needs dozens of colours.
let palette = painted();

function painted() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

const colour = (name) => palette[name];
const clear = (name, percent) => `color-mix(in srgb, ${colour(name)} ${percent}%, transparent)`;
const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const dayOf = (label) => `${Number(label.slice(8, 10))} ${MONTHS[label.slice(5, 7) - 1]}`;

// The label of a tick: of the first tick of a day its date, else its time.
function tickLabel(ticks, position) {
  const label = chartData.labels[ticks[position].value];
  if (chartData.step === "month") return label.slice(0, 7);
  if (chartData.step !== "hour" && chartData.step !== "minute") return dayOf(label);
  const before = position && chartData.labels[ticks[position - 1].value];
  return before && before.slice(0, 10) === label.slice(0, 10) ? label.slice(11, 16) : dayOf(label);
}

// One scale per row, so that its columns are comparable. It follows the lines: the band of a few calls is wide, and
// would flatten every line. What is above the scale is cut off.
const ROOM = 1.25;
// Each top has two to four equal parts, so that the labels of its axis are equally far apart.
const TOPS = [[0.05, 0.025], [0.1, 0.05], [0.2, 0.1], [0.3, 0.1], [0.4, 0.2], [0.6, 0.2], [0.8, 0.4], [1, 0.5]];

function top_of(rate) {
  const points = chartData.columns.flatMap((column) => column.rates[rate]).filter(Boolean);
  const most = Math.max(...points.map((point) => Math.max(point[VALUE] ?? 0, point[BASE] ?? 0)), 0.04);
  return TOPS.find(([top]) => top >= Math.min(1, most * ROOM));
}

// One start for all charts of a page, so that equal instants are below each other.
const lines = chartData.columns.flatMap((column) => Object.values(column.rates));
const first = Math.max(chartData.labels.findIndex((_, at) => lines.some((points) => hasBand(points, at))), 0);

function hasBand(points, at) {
  return points[at]?.[VALUE] != null;
}

function datasets(rate, place) {
  const points = chartData.columns[place].rates[rate];
  const of = (at) => points.map((point) => point?.[at] ?? null);
  const quiet = { pointRadius: 0, pointHitRadius: 0, borderWidth: 0 };
  // A point on the edge is whole.
  const clip = 6;
  return [
    { ...quiet, data: of(HIGH) },
    { ...quiet, data: of(LOW), fill: "-1", backgroundColor: clear("accent", 18) },
    { ...quiet, data: of(BASE), borderWidth: 1, borderColor: colour("soft"), borderDash: [4, 3] },
    {
      data: of(VALUE),
      clip,
      borderColor: colour("accent"),
      borderWidth: 2,
      pointRadius: points.length > MOST_DOTS ? 1.5 : 2.5,
      pointHoverRadius: 5,
      pointBorderColor: colour("accent"),
      pointBackgroundColor: points.map((point) => colour(point?.[SMALL] ? "paper" : "accent")),
    },
  ];
}

function marksOf(rate, place) {
  return chartData.marks.filter((mark) => mark.metric === rate && (mark.column === place || mark.column === null));
}

function tooltipText(rate, place, at) {
  const point = chartData.columns[place].rates[rate][at];
  const lines = [];
  if (point?.[VALUE] != null) {
    lines.push(`${percent(point[VALUE])} (${percent(point[LOW])} – ${percent(point[HIGH])}) ${chartData.words.of} ${point[CALLS]}`);
    if (point[SMALL]) lines.push(chartData.words.small);
  }
  if (point?.[BASE] != null) lines.push(`${chartData.words.baseline} ${percent(point[BASE])}`);
  for (const mark of marksOf(rate, place))
    if (mark.at === at) lines.push(`${chartData.words.alert}: ${mark.message}`);
  if (chartData.columns[place].calls !== null) lines.push(chartData.words.open);
  return lines;
}

// An area needs two neighbours: a point without any has its band as a bar.
const BAR_PX = 8;

const barsOf = (rate, place) => ({
  id: "bars",
  beforeDatasetsDraw({ ctx, chartArea, scales }) {
    const points = chartData.columns[place].rates[rate];
    ctx.fillStyle = clear("accent", 18);
    points.forEach((point, at) => {
      if (!hasBand(points, at) || hasBand(points, at - 1) || hasBand(points, at + 1)) return;
      const top = Math.max(scales.y.getPixelForValue(point[HIGH]), chartArea.top);
      const low = scales.y.getPixelForValue(point[LOW]);
      ctx.fillRect(scales.x.getPixelForValue(at) - BAR_PX / 2, top, BAR_PX, Math.max(low - top, 1));
    });
  },
});

// A triangle above the plot, so that it hides no point, and a thin line from it.
const MARK_PX = 5;

const pointers = (rate, place) => ({
  id: "pointers",
  beforeDatasetsDraw({ ctx, chartArea: { top, bottom }, scales }) {
    ctx.fillStyle = colour("bad");
    for (const { at } of marksOf(rate, place)) {
      const x = scales.x.getPixelForValue(at);
      ctx.beginPath();
      ctx.moveTo(x, top - 1);
      ctx.lineTo(x - MARK_PX, top - 2 * MARK_PX);
      ctx.lineTo(x + MARK_PX, top - 2 * MARK_PX);
      ctx.fill();
      ctx.fillRect(x - 0.5, top, 1, bottom - top);
    }
  },
});

const brush = {
  id: "brush",
  afterDraw(chart) {
    if (!chart.brushed) return;
    const { top, height } = chart.chartArea;
    const [start, end] = chart.brushed;
    chart.ctx.fillStyle = clear("accent", 25);
    chart.ctx.fillRect(Math.min(start, end), top, Math.abs(end - start), height);
  },
};

// Hours of some days are labelled at their midnights, not at every twentieth hour.
function midnightsOnly(axis) {
  const midnights = axis.ticks.filter(({ value }) => chartData.labels[value].slice(11, 16) === "00:00");
  if (chartData.step === "hour" && midnights.length > 2) axis.ticks = midnights;
}

function options(rate, place, [top, stepSize]) {
  const axis = { grid: { color: colour("line") }, border: { display: false } };
  // Only a few labels are measured: they have similar widths.
  const ticks = { color: colour("soft"), maxRotation: 0, font: { size: 11 }, sampleSize: 4 };
  const label = { callback: (_, at, all) => tickLabel(all, at), autoSkipPadding: 16 };
  // Again without the ticks that were left out: the first one of a day may be among them.
  const afterUpdate = ({ ticks: left }) => left.forEach((tick, at) => (tick.label = tickLabel(left, at)));
  return {
    animation: false,
    layout: { padding: { top: 2 * MARK_PX + 2, right: 6 } },
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    scales: {
      x: { ...axis, afterBuildTicks: midnightsOnly, afterUpdate, min: first, grid: { display: false }, ticks: { ...ticks, ...label } },
      y: { ...axis, min: 0, max: top, ticks: { ...ticks, stepSize, callback: (share) => `${+(100 * share).toFixed(1)} %` } },
    },
    plugins: {
      legend: { display: false },
      tooltip: {
        filter: (item, at) => at === 0,
        displayColors: false,
        callbacks: { title: ([item]) => item?.label, label: (item) => tooltipText(rate, place, item.dataIndex) },
      },
    },
  };
}

function place_of(chart, event) {
  const [found] = chart.getElementsAtEventForMode(event, "index", { intersect: false }, false);
  return found?.index;
}

function calls_at(rate, place, at) {
  const { calls } = chartData.columns[place];
  if (calls === null || at === undefined) return null;
  const span = new URLSearchParams({ from: chartData.from[at], to: chartData.to[at] });
  const query = [calls, chartData.narrow[rate], span].filter(Boolean).join("&");
  // The service may be under a path of its host, as its scripts are.
  return new URL(`../calls?${query}`, import.meta.url).href;
}

function span_of(chart, start, end) {
  const at = (x) => Math.min(Math.max(chart.scales.x.getValueForPixel(x), 0), chartData.labels.length - 1);
  const wanted = new URL(location.href);
  wanted.searchParams.set("from", chartData.from[at(Math.min(start, end))]);
  wanted.searchParams.set("to", chartData.to[at(Math.max(start, end))]);
  return wanted.href;
}

function listen(canvas, chart, rate, place) {
  let began = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button === 0) began = event.offsetX;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (began === null || Math.abs(event.offsetX - began) < BRUSH_PX) return;
    chart.brushed = [began, event.offsetX];
    chart.draw();
  });
  canvas.addEventListener("pointerleave", () => {
    began = chart.brushed = null;
    chart.draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    const url = chart.brushed ? brushable(chart) : calls_at(rate, place, place_of(chart, event));
    const isNew = event.ctrlKey || event.metaKey || event.button === 1;
    began = chart.brushed = null;
    if (url && isNew) window.open(url, "_blank", "noopener");
    else if (url && event.button === 0) location.assign(url);
  });
}

const brushable = (chart) => (views.dataset.brush === "off" ? null : span_of(chart, ...chart.brushed));

function draw(canvas) {
  if (charts.has(canvas)) return;
  const rate = canvas.dataset.rate;
  const place = Number(canvas.dataset.column);
  const top = top_of(rate);
  const chart = new Chart(canvas, {
    type: "line",
    data: { labels: chartData.labels, datasets: datasets(rate, place) },
    options: options(rate, place, top),
    plugins: [brush, barsOf(rate, place), pointers(rate, place)],
  });
  charts.set(canvas, chart);
  listen(canvas, chart, rate, place);
}

// A chart is chartData when it is about to scroll into view: a page may have dozens. Each chart is a separate task, so
// that a slow phone stays responsive.
const NEAR = "300px";
const near = new Set();
let isDrawing = false;

function draw_near() {
  const [canvas] = near;
  isDrawing = Boolean(canvas);
  if (!canvas) return;
  near.delete(canvas);
  seen.unobserve(canvas);
  draw(canvas);
  setTimeout(draw_near);
}

function come_near(entries) {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) near.add(target);
    else near.delete(target);
  }
  if (!isDrawing) draw_near();
}

const seen = new IntersectionObserver(come_near, { rootMargin: NEAR });

function begin() {
  for (const canvas of views.querySelectorAll("canvas")) seen.observe(canvas);
}

// Draw all charts before printing.
window.addEventListener("beforeprint", () => {
  for (const canvas of views.querySelectorAll("canvas")) draw(canvas);
});

function show(view) {
  const isTable = view === "table";
  views.classList.toggle("table", isTable);
  for (const button of views.querySelectorAll("[data-view]"))
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  const here = new URL(location.href);
  if (isTable) here.searchParams.set("view", "table");
  else here.searchParams.delete("view");
  history.replaceState(null, "", here);
}

for (const button of views.querySelectorAll("[data-view]"))
  button.addEventListener("click", () => show(button.dataset.view));

document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
  if (event.key !== "t" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  show(views.classList.contains("table") ? "charts" : "table");
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  palette = painted();
  for (const [canvas, chart] of charts) {
    const rate = canvas.dataset.rate;
    const place = Number(canvas.dataset.column);
    chart.data.datasets = datasets(rate, place);
    chart.options = options(rate, place, top_of(rate));
    chart.update();
  }
});

if (globalThis.Chart) begin();
else views.classList.add("table");

// The dashboard's one script: reads the server's events and writes them into the page. All text goes in as text, never as markup.
"use strict";

const $ = (id) => document.getElementById(id);
const state = { stats: null, hour: [], day: [], decisions: [], near: [], span: "hour", group: "models", measure: "similarity", show: "all", isPaused: false, cursor: null, judged: new Map() };
const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "onclick") made.addEventListener("click", value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Numbers for people. The exact value stands in data-value and in the title.
const whole = new Intl.NumberFormat("en");
function short(number) {
  if (Math.abs(number) < 10000) return whole.format(Math.round(number));
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(number);
}
const format = {
  count: short,
  percent: (share) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 2 : 1)} %`,
  usd: (dollars) => {
    const size = Math.abs(dollars);
    const digits = size === 0 || size >= 100 ? 2 : size >= 1 ? 2 : size >= 0.01 ? 4 : 6;
    return `${dollars < 0 ? "−" : ""}$${size.toLocaleString("en", { minimumFractionDigits: Math.min(2, digits), maximumFractionDigits: digits })}`;
  },
  score: (value) => value.toFixed(2),
  time: (seconds) => {
    if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
    return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
  },
  milliseconds: (value) => {
    if (value === null || value === undefined) return "–";
    if (value >= 10000) return `${(value / 1000).toFixed(1)} s`;
    return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3)} ms`;
  },
  bytes: (count) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (count >= 1024 && unit < 4) { count /= 1024; unit += 1; }
    return `${unit === 0 || count >= 100 ? count.toFixed(0) : count.toFixed(1)} ${units[unit]}`;
  },
};

function put(node, value, kind) {
  const text = format[kind](value);
  if (node.textContent !== text) node.textContent = text;
  if (node.dataset.value !== String(value)) { node.dataset.value = value; node.title = String(value); }
}
function say(id, text) { if ($(id).textContent !== text) $(id).textContent = text; }
const at = (object, path) => path.split(".").reduce((value, name) => value === undefined || value === null ? value : value[name], object);

// Summary

function showSummary(stats) {
  for (const node of document.querySelectorAll("[data-stat]")) put(node, at(stats, node.dataset.stat), node.dataset.format);
  const { requests, saved, costs, spent } = stats;
  put($("tokens"), saved.prompt_tokens + saved.completion_tokens, "count");
  say("note-hits", `${short(requests.exact_hits + requests.semantic_hits)} of ${short(requests.total - requests.bypassed)} looked up`);
  const own = costs.judge_usd + costs.exploration_usd + costs.calibration_usd;
  say("note-usd", own > 0 ? `${format.usd(saved.gross_usd)} less ${format.usd(own)} of its own` : `${format.usd(spent.usd)} spent on misses`);
  say("note-tokens", `${short(saved.prompt_tokens)} in, ${short(saved.completion_tokens)} out`);
  say("note-seconds", `${short(saved.upstream_calls)} calls not made; ${format.time(costs.embedding_seconds)} spent on embedding`);
  const faults = requests.upstream_errors;
  say("note-requests", faults > 0 ? `${short(faults)} upstream errors` : requests.coalesced > 0 ? `${short(requests.coalesced)} shared a call` : "no upstream errors");
  say("note-entries", `${format.bytes(stats.memory_bytes)} in memory, ${format.bytes(stats.disk_bytes)} on disk`);
  const { shared } = stats;
  $("tile-shared").hidden = !shared;
  if (shared) {
    put($("shared-hits"), shared.exact_hits + shared.semantic_hits, "count");
    say("note-shared", shared.state === "works" ? `${shared.kind}, ${short(shared.misses)} misses, ${short(shared.late + shared.errors)} late or failed` : `${shared.kind} is away`);
  }
  say("version", stats.version);
  say("uptime", `up ${format.time(stats.uptime_seconds)}`);
}

// Requests over time

const KINDS = ["exact_hits", "semantic_hits", "stale", "misses", "bypassed"];
const CLASSES = { exact_hits: "exact", semantic_hits: "semantic", stale: "stale", misses: "miss", bypassed: "bypass" };

function sampleOf(stats) {
  const sample = { time: Date.now() };
  for (const kind of KINDS) sample[kind] = stats.requests[kind];
  return sample;
}

function buckets() {
  const samples = (state.span === "hour" ? state.hour : state.day).slice();
  if (state.stats) samples.push(sampleOf(state.stats));
  if (samples.length < 2) return { size: 10000, list: [] };
  const now = samples[samples.length - 1].time;
  const span = now - samples[0].time;
  const size = state.span === "day" ? 900000 : span > 600000 ? 60000 : 10000;
  // A young proxy is not shown as a long silence.
  const count = state.span === "day" ? 96 : Math.min(60, Math.max(18, Math.ceil(span / size) + 1));
  const start = (Math.floor(now / size) - count + 1) * size;
  const list = Array.from({ length: count }, (_, index) => ({ time: start + index * size, exact_hits: 0, semantic_hits: 0, stale: 0, misses: 0, bypassed: 0 }));
  for (let index = 1; index < samples.length; index += 1) {
    const bucket = list[Math.floor((samples[index].time - start) / size)];
    if (bucket) for (const kind of KINDS) bucket[kind] += Math.max(0, samples[index][kind] - samples[index - 1][kind]);
  }
  return { size, list };
}

function nice(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= most) return factor * power;
  return most;
}

function chart(id, height) {
  const svg = $(id);
  const width = Math.max(260, svg.clientWidth);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  return { svg, width, height };
}

function clock(time, withSeconds) {
  return new Date(time).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: withSeconds ? "2-digit" : undefined });
}

function showTime() {
  const { svg, width, height } = chart("chart-time", 210);
  const { size, list } = buckets();
  const [left, right, top, bottom] = [40, 40, 10, 22];
  const plot = height - top - bottom;
  const most = nice(Math.max(1, ...list.map((bucket) => KINDS.reduce((sum, kind) => sum + bucket[kind], 0))));
  for (const share of [0, 0.5, 1]) {
    const y = top + plot * (1 - share);
    svg.append(shape("line", { class: "rule", x1: left, x2: width - right, y1: y, y2: y }));
    if (share !== 0.5 || most % 2 === 0) svg.append(shape("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, short(most * share)));
    svg.append(shape("text", { x: width - right + 6, y: y + 4 }, `${share * 100} %`));
  }
  const step = (width - left - right) / Math.max(1, list.length);
  let path = "";
  let points = 0;
  list.forEach((bucket, index) => {
    const x = left + index * step;
    let y = top + plot;
    for (const kind of KINDS) {
      const size = (bucket[kind] / most) * plot;
      if (size <= 0) continue;
      y -= size;
      svg.append(shape("rect", { class: CLASSES[kind], x: x + step * 0.12, y, width: step * 0.76, height: size }));
    }
    const lookedUp = bucket.exact_hits + bucket.semantic_hits + bucket.stale + bucket.misses;
    if (lookedUp === 0) return;
    const ratio = (bucket.exact_hits + bucket.semantic_hits) / lookedUp;
    path += `${points === 0 ? "M" : "L"}${(x + step / 2).toFixed(1)} ${(top + plot * (1 - ratio)).toFixed(1)}`;
    points += 1;
    svg.append(shape("circle", { class: "point", cx: x + step / 2, cy: top + plot * (1 - ratio), r: 2 }));
  });
  if (points > 1) svg.append(shape("path", { class: "line", d: path }));
  const labels = width < 500 ? 3 : 6;
  for (let index = 0; index < labels && list.length; index += 1) {
    const bucket = Math.round((index / (labels - 1)) * (list.length - 1));
    svg.append(shape("text", { x: left + (bucket + 0.5) * step, y: height - 4, "text-anchor": index === 0 ? "start" : index === labels - 1 ? "end" : "middle" }, clock(list[bucket].time, size < 60000)));
  }
  if (points === 0) svg.append(shape("text", { class: "empty", x: width / 2, y: height / 2 - 6 }, "No requests yet. Point a client at this proxy."));
  const total = list.reduce((sum, bucket) => sum + bucket.exact_hits + bucket.semantic_hits + bucket.stale + bucket.misses, 0);
  const hits = list.reduce((sum, bucket) => sum + bucket.exact_hits + bucket.semantic_hits, 0);
  svg.setAttribute("aria-label", `Requests over the last ${state.span}: ${total} looked up, ${hits} of them hits${total ? `, ${format.percent(hits / total)}` : ""}.`);
}

// Latency

const TIERS = [["exact_hit", "exact hit"], ["semantic_hit", "semantic hit"], ["miss_overhead", "added to a miss"], ["embed", "embedding"], ["search", "search"], ["decide", "guards and verifier"]];

function showLatency(latency) {
  const body = $("latency").tBodies[0];
  const known = new Set(TIERS.map(([key]) => key));
  const tiers = [...TIERS, ...Object.keys(latency).filter((key) => !known.has(key)).map((key) => [key, key.replaceAll("_", " ")])];
  const values = Object.values(latency).flatMap((tier) => [tier.p50, tier.p99]).filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(0.1, ...values)));
  const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(10, ...values))));
  const place = (value) => ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * 100;
  body.replaceChildren(...tiers.map(([key, name]) => {
    const tier = latency[key] || {};
    const svg = shape("svg", { viewBox: "0 0 100 18", preserveAspectRatio: "none", "aria-hidden": "true" });
    for (let power = low; power <= high; power += 1) svg.append(shape("rect", { class: "track", x: place(10 ** power) - 0.15, y: 0, width: 0.3, height: 18 }));
    if (tier.p50 > 0) {
      svg.append(shape("rect", { class: "range", x: place(tier.p50), y: 5, width: Math.max(1, place(tier.p99) - place(tier.p50)), height: 8 }));
      svg.append(shape("rect", { class: "mark", x: place(tier.p95) - 0.4, y: 3, width: 0.8, height: 12 }));
    }
    const cell = (name) => {
      const made = element("td", { class: "number", "data-latency": `${key}.${name}` });
      made.textContent = format.milliseconds(tier[name]);
      if (tier[name] !== undefined && tier[name] !== null) made.dataset.value = tier[name];
      return made;
    };
    const plot = element("td", { class: "plot" });
    plot.append(svg);
    return element("tr", {}, element("th", { scope: "row" }, name), plot, cell("p50"), cell("p95"), cell("p99"));
  }));
}

// The nearest neighbour: its similarity, and where a learned score decides also that

function measureOf(stats) {
  const { mode, threshold } = stats.matching;
  const isLearned = ["calibrated", "shadow"].includes(mode);
  $("measures").hidden = !(isLearned && stats.scores);
  if (!$("measures").hidden && state.measure === "score") {
    const cuts = [...new Set((stats.matching.populations || []).map((population) => population.cut).filter((cut) => typeof cut === "number"))].sort((a, b) => a - b);
    const [low, high] = [cuts[0], cuts[cuts.length - 1]];
    const words = !cuts.length ? "none yet" : low === high ? format.score(low) : `${format.score(low)} to ${format.score(high)}`;
    return {
      ...stats.scores, name: "Score", from: 0, tick: 2, digits: 0, lines: cuts, value: low ?? null, line: low === high ? "cut" : "cuts", words,
      said: cuts.length ? `with the ${low === high ? "cut at" : "cuts from"} ${words}` : "without a cut",
      note: "Of what no guard forwarded. Each kind of traffic has its own cut; a verifier, where one is loaded, decides in its place until 100 labels were learned.",
    };
  }
  const { served, forwarded } = stats.similarities;
  const least = served.findIndex((count) => count > 0);
  const measure = { served, forwarded, lowest: 0, width: 1 / served.length, name: "Similarity", from: served.findIndex((count, bin) => bin >= 20 || count + forwarded[bin] > 0), tick: 0.1, digits: 1, note: "" };
  if (!isLearned) return { ...measure, lines: [threshold], value: threshold, line: "cut", words: threshold.toFixed(2), said: `with the cut at ${threshold.toFixed(2)}` };
  // No similarity is the cut where a score decides; from which one on answers were served so far is all that can be drawn.
  const value = least < 0 ? null : least / served.length;
  const words = value === null ? "none yet" : value.toFixed(2);
  return { ...measure, lines: value === null ? [] : [value], value, line: "least served", words, said: `the least served: ${words}`, note: "The score decides, not the similarity alone: the line is the least that was served so far." };
}

function showNeighbours(stats) {
  const { served, forwarded, lowest, width: size, ...measure } = measureOf(stats);
  const sum = (list) => list.reduce((total, count) => total + count, 0);
  put($("sum-served"), sum(served), "count");
  put($("sum-forwarded"), sum(forwarded), "count");
  say("cut-name", measure.line);
  say("cut", measure.words);
  say("measure-note", measure.note);
  $("cut").dataset.value = measure.value;
  const { svg, width, height } = chart("chart-similarity", 210);
  const [left, top, bottom] = [34, 10, 22];
  const plot = height - top - bottom;
  const { from } = measure;
  const step = (width - left) / (served.length - from);
  const place = (value) => left + ((value - lowest) / size - from) * step;
  const most = nice(Math.max(1, ...served.map((count, bin) => count + forwarded[bin])));
  for (const share of [0, 0.5, 1]) {
    const y = top + plot * (1 - share);
    svg.append(shape("line", { class: "rule", x1: left, x2: width, y1: y, y2: y }));
    if (share !== 0.5 || most % 2 === 0) svg.append(shape("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, short(most * share)));
  }
  for (let bin = from; bin < served.length; bin += 1) {
    const x = left + (bin - from) * step;
    let y = top + plot;
    for (const [name, count] of [["semantic", served[bin]], ["miss", forwarded[bin]]]) {
      const size = (count / most) * plot;
      y -= size;
      if (size > 0) svg.append(shape("rect", { class: name, x: x + step * 0.1, y, width: step * 0.8, height: size }));
    }
  }
  const [first, last] = [lowest + from * size, lowest + served.length * size];
  for (let tick = Math.ceil(first / measure.tick - 1e-6); tick * measure.tick <= last + 1e-6; tick += 1) {
    const x = place(tick * measure.tick);
    svg.append(shape("text", { x, y: height - 4, "text-anchor": x > width - 8 ? "end" : "middle" }, (tick * measure.tick).toFixed(measure.digits).replace("-", "−")));
  }
  for (const value of measure.lines) svg.append(shape("line", { class: "cut", x1: place(value), x2: place(value), y1: 0, y2: top + plot }));
  if (sum(served) + sum(forwarded) === 0) svg.append(shape("text", { class: "empty", x: left + (width - left) / 2, y: height / 2 - 6 }, "No question was compared with a neighbour yet."));
  svg.setAttribute("aria-label", `${measure.name} of the nearest neighbour: ${sum(served)} served and ${sum(forwarded)} forwarded, ${measure.said}.`);
}

// Reasons, health, shares, populations

function showReasons(stats) {
  const rows = [
    ...Object.entries(stats.miss_reasons).map(([name, count]) => [name, count, "share", "miss_reasons"]),
    ...Object.entries(stats.bypass_reasons).map(([name, count]) => [`bypass: ${name}`, count, "share other", "bypass_reasons"]),
    ...Object.entries(stats.not_stored).map(([name, count]) => [`not stored: ${name}`, count, "share other", "not_stored"]),
  ].sort((a, b) => b[1] - a[1]);
  const most = Math.max(1, ...rows.map((row) => row[1]));
  $("reasons").tBodies[0].replaceChildren(...(rows.length ? rows : []).map(([name, count, kind, group]) => {
    const svg = shape("svg", { viewBox: "0 0 100 18", preserveAspectRatio: "none", "aria-hidden": "true" });
    svg.append(shape("rect", { class: kind, x: 0, y: 4, width: Math.max(0.8, (count / most) * 100), height: 10 }));
    const plot = element("td", { class: "plot" });
    plot.append(svg);
    return element("tr", {}, element("th", { scope: "row" }, name), plot, element("td", { class: "number", "data-reason": `${group}.${name.replace(/^.*: /, "")}`, "data-value": count }, whole.format(count)));
  }));
  if (!rows.length) $("reasons").tBodies[0].append(element("tr", {}, element("td", { class: "none" }, "Nothing went to the model yet.")));
}

function showHealth(stats) {
  const { matching, store, evictions, requests, shared } = stats;
  const facts = [
    ["embedder", matching.embedder ? `${matching.embedder.split(/[ ;,]/)[0].slice(0, 40)}${matching.dimension ? `, ${matching.dimension} dimensions` : ""}` : "none: exact repeats only", !matching.embedder],
    ["matching", `${matching.mode}, profile ${matching.profile}`],
    ["findable by rewording", `${whole.format(matching.searchable)} of ${whole.format(stats.entries)}`],
    ["waiting for embedding", whole.format(matching.waiting_for_embedding)],
    ["waiting for the store", whole.format(store.queue)],
    ["dropped by the store's queue", [whole.format(store.dropped), ...Object.keys(stats.not_written).sort()].join(", "), store.dropped > 0],
    ["store", store.fault || (store.snapshot_fault ? `no snapshot: ${store.snapshot_fault}` : "works"), Boolean(store.fault || store.snapshot_fault)],
    ...(shared ? [
      ["shared tier", shared.state === "works" ? `${shared.kind} works` : `${shared.kind} is away: ${shared.reason || "unknown"}`, shared.state !== "works"],
      ["waiting for the shared tier", whole.format(shared.waiting)],
      ["never taken by the shared tier", whole.format(shared.dropped), shared.dropped > 0],
    ] : []),
    ["upstream errors", whole.format(requests.upstream_errors), requests.upstream_errors > 0],
    ["refused for their form", whole.format(requests.refused)],
    ["shared another's call", whole.format(requests.coalesced)],
    ["expired / evicted / flushed", `${whole.format(evictions.expired)} / ${whole.format(evictions.capacity)} / ${whole.format(evictions.flushed)}`],
  ];
  for (const [name, label] of [["error_bound", "error bound"], ["estimated_error", "estimated error"], ["upper_bound", "upper bound"]]) {
    if (typeof matching[name] === "number") facts.splice(2, 0, [label, format.percent(matching[name])]);
  }
  if (typeof matching.observations === "number") facts.splice(2, 0, ["labels learned from", whole.format(matching.observations)]);
  for (const [name, circuit] of Object.entries(stats.upstreams)) facts.push([name === "upstream" ? "circuit of the upstream" : `circuit of ${name}`, circuit.replace("_", " "), circuit !== "closed"]);
  $("health").replaceChildren(...facts.flatMap(([name, text, isBad]) => [element("dt", {}, name), element("dd", { class: isBad ? "bad" : null }, text)]));
}

function showShares(stats) {
  const rows = Object.entries(stats[state.group] || {}).sort((a, b) => b[1].saved_usd - a[1].saved_usd || b[1].requests - a[1].requests);
  const number = (key, value, kind) => {
    const made = element("td", { class: "number", "data-share": key });
    put(made, value, kind);
    return made;
  };
  $("shares").tBodies[0].replaceChildren(...rows.slice(0, 50).map(([name, share]) => element("tr", { "data-name": name },
    element("th", { scope: "row" }, name), number("requests", share.requests, "count"), number("hits", share.hits, "count"),
    number("ratio", share.requests ? share.hits / share.requests : 0, "percent"), number("saved_tokens", share.saved_tokens, "count"),
    number("saved_usd", share.saved_usd, "usd"), number("spent_usd", share.spent_usd, "usd"))));
  if (!rows.length) $("shares").tBodies[0].append(element("tr", {}, element("td", { class: "none", colspan: 7 }, state.group === "namespaces" ? "No request named a namespace yet." : "No request was looked up yet.")));
  say("prices", `${rows.length > 50 ? `The first 50 of ${rows.length}. ` : ""}Built-in prices are of ${stats.prices_date}; yours go under prices.models in config.yaml. A model without a price counts tokens only.`);
}

function populationName({ population, model, endpoint, namespace, tenant, instructions, text }) {
  if (model === undefined) return { title: population.slice(0, 16), about: "not asked since the start" };
  const about = [endpoint === "/v1/chat/completions" ? null : endpoint.replace("/v1/", ""), namespace ? `namespace ${namespace}` : null, `tenant ${tenant.slice(0, 8)}`, instructions === undefined ? "no system prompt" : `system prompt ${instructions.padStart(16, "0").slice(0, 8)}`, text ?? null];
  return { title: model || "(no model)", about: about.filter(Boolean).join(", ") };
}

function showPopulations(stats) {
  const populations = stats.matching.populations || [];
  $("card-populations").hidden = populations.length === 0;
  $("populations").tBodies[0].replaceChildren(...populations.slice(0, 100).map((population) => {
    const cell = (key, kind, label) => {
      const value = population[key];
      const made = element("td", { class: "number", role: "cell", "data-field": key, "data-label": label }, value === undefined ? "–" : null);
      if (value !== undefined) put(made, value, kind);
      return made;
    };
    const { title, about } = populationName(population);
    return element("tr", { role: "row", "data-population": population.population },
      element("th", { scope: "row", role: "rowheader", class: "text" }, title, element("span", { class: "about" }, about)),
      element("td", { role: "cell", "data-field": "state", "data-label": "gate", "data-value": population.state }, element("span", { class: `badge ${population.state}` }, population.state)),
      cell("observations", "count", "labels"), cell("hits", "count", "hits"), cell("explored_share", "percent", "explored"), cell("cut", "score", "cut"),
      cell("estimated_error", "percent", "wrong, estimate"), cell("upper_bound", "percent", "at most"), cell("error_bound", "percent", "allowed"));
  }));
  say("populations-more", populations.length > 100 ? `The first 100 of ${populations.length}.` : "");
}

// Decisions

function question(text, length) {
  if (text !== undefined && text !== null) return element("span", {}, text || "(no text)");
  return length > 0 ? element("span", { class: "mask", title: "masked" }, "••••••", element("span", { class: "hidden" }, " masked,"), ` ${whole.format(length)} bytes`) : element("span", { class: "mask" }, "–");
}

// The cut is told where it decided: while little was learned a verifier does, whatever the score.
function scoreOf({ score, cut, reason, cache }) {
  if (typeof score !== "number") return null;
  const decided = reason === "below-cut" || (cache === "hit" && typeof cut === "number" && score >= cut);
  return `score ${format.score(score)}${!decided ? "" : typeof cut === "number" ? `, cut ${format.score(cut)}` : ", no score is enough yet"}`;
}

function decisionRow(decision) {
  const word = decision.cache === "hit" ? decision.match : decision.cache;
  const label = decision.cache === "hit" ? `hit, ${decision.match}${decision.tier === "shared" ? ", shared" : ""}` : decision.cache;
  const evidence = [decision.reason, scoreOf(decision), decision.is_collapsed ? "shared another's call" : null, ...decision.findings.length ? decision.findings : decision.guards.map((name) => `guard: ${name}`),
    decision.status >= 400 ? `status ${decision.status}` : null, decision.is_broken ? "broke off" : null].filter(Boolean).join("; ");
  return element("tr", { "data-request": decision.request, "data-cache": decision.cache },
    element("td", { class: "nowrap" }, clock(Number(decision.time), true)),
    element("td", { class: "nowrap" }, element("span", { class: `badge ${word}` }, label)),
    element("td", { class: "text" }, decision.model ? question(decision.query, decision.query_bytes) : element("span", { class: "mask" }, `${decision.method} ${decision.path}`)),
    element("td", { class: "name", title: decision.model }, decision.model || "–"),
    element("td", { class: "number" }, decision.similarity === undefined ? "–" : decision.similarity.toFixed(4)),
    element("td", { class: "text" }, evidence || "–"),
    element("td", { class: "number" }, format.milliseconds(decision.duration_ms)));
}

function showRecent() {
  if (state.isPaused) return;
  const rows = state.decisions.filter((decision) => state.show === "all" || decision.cache === state.show).slice(-100).reverse();
  $("recent").tBodies[0].replaceChildren(...rows.map(decisionRow));
  if (!rows.length) $("recent").tBodies[0].append(element("tr", {}, element("td", { class: "none", colspan: 7 }, "Nothing yet.")));
  $("masked").hidden = !state.decisions.some((decision) => decision.query_bytes > 0 && (decision.query === undefined || decision.query === null));
}

// What was served by meaning, and what nearly was. A proxy that does not learn has no near misses to judge: it shows what was forwarded, without buttons.
function nearRows() {
  const learns = Boolean(state.stats) && typeof state.stats.matching.observations === "number";
  const served = state.decisions.filter((decision) => decision.match === "semantic").slice(-8).map((decision) => ({
    request: decision.request, entry: decision.entry, time: Number(decision.time), asked: question(decision.query, decision.query_bytes), label: "served", kind: "semantic",
    about: `${decision.similarity.toFixed(4)} similar to entry ${decision.entry}`, verdicts: learns ? ["Right answer", "Wrong answer"] : null }));
  const near = state.near.filter((miss) => !state.judged.has(miss.request)).map((miss) => ({
    request: miss.request, entry: miss.entry, time: Number(miss.time), asked: question(miss.asked, miss.asked_bytes), cached: question(miss.cached, miss.cached_bytes),
    label: miss.kind === "averted" ? "forwarded to learn" : "forwarded", kind: "miss", about: `${miss.similarity.toFixed(4)} similar to entry ${miss.entry}; ${miss.reason}`,
    verdicts: ["Same question", "Different question"] }));
  const listed = new Set(near.map((miss) => miss.request));
  const isLearning = state.stats && ["calibrated", "shadow"].includes(state.stats.matching.mode);
  const forwarded = isLearning ? [] : state.decisions.filter((decision) => decision.cache === "miss" && decision.entry && decision.similarity >= 0.7 && !listed.has(decision.request) && !state.judged.has(decision.request)).slice(-6).map((decision) => ({
    request: decision.request, entry: decision.entry, time: Number(decision.time), asked: question(decision.query, decision.query_bytes), label: "forwarded", kind: "miss",
    about: `${decision.similarity.toFixed(4)} similar to entry ${decision.entry}${decision.reason ? `; ${decision.reason}` : ""}${decision.findings.length ? `: ${decision.findings.join("; ")}` : ""}`, verdicts: null }));
  return [...served, ...near, ...forwarded].sort((a, b) => b.time - a.time);
}

function showNear(isForced) {
  // Nothing moves under the hands of somebody who goes through the list by keyboard.
  if (!isForced && $("near").querySelector(":focus-visible")) return;
  const rows = nearRows();
  $("near").replaceChildren(...rows.map((row) => {
    const judged = state.judged.get(row.request);
    const verdict = (correct, text) => element("button", { type: "button", disabled: judged !== undefined, "aria-pressed": judged === undefined ? null : String(judged === correct), onclick: () => judge(row, correct, text) }, text);
    return element("li", { "data-request": row.request, "data-entry": row.entry, "data-kind": row.label },
      element("div", {},
        element("p", {}, element("span", { class: `badge ${row.kind}` }, row.label), " ", row.asked),
        row.cached ? element("p", { class: "beside" }, "nearest: ", row.cached) : null,
        element("p", { class: "about" }, row.about)),
      row.verdicts ? element("div", { class: "verdicts" }, verdict(true, row.verdicts[0]), verdict(false, row.verdicts[1])) : null);
  }));
  if (!rows.length) $("near").append(element("li", {}, element("p", { class: "about" }, "Nothing to judge: no question came near another one yet.")));
}

async function judge(row, correct, text) {
  if (state.judged.has(row.request)) return;
  state.judged.set(row.request, correct);
  const list = $("near");
  const wasThere = list.contains(document.activeElement);
  const requests = [...list.children].map((item) => item.dataset.request);
  let following = requests.slice(requests.indexOf(row.request) + 1);
  let said = `Verdict taken: ${text}.`;
  try {
    await call("POST", "cache/feedback", { entry: row.entry, request: row.request, correct });
  } catch (error) {
    // Whatever was judged elsewhere or has gone leaves the list with the next event.
    state.judged.delete(row.request);
    said = `The verdict was not taken: ${error.message}.`;
    following = [row.request];
  }
  showNear(true);
  say("near-message", said);
  $("near-message").classList.toggle("bad", following[0] === row.request);
  if (wasThere) goOn([...list.children].find((item) => following.includes(item.dataset.request) && item.querySelector("button:enabled")), "h-near");
}

// Whoever goes by keyboard stands on the next button, or on the list's heading where there is none.
function goOn(item, heading) {
  const button = item && item.querySelector("button:enabled");
  (button || $(heading)).focus();
}

// Entries

async function call(method, path, body) {
  const response = await fetch(path, { method, headers: body ? { "Content-Type": "application/json" } : {}, body: body ? JSON.stringify(body) : undefined });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ? answer.error.message : `status ${response.status}`);
  return answer;
}

function selector() {
  return Object.fromEntries([...new FormData($("search"))].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));
}

function message(text, isBad) {
  say("entries-message", text);
  $("entries-message").classList.toggle("bad", Boolean(isBad));
}

// What is new comes first and is listed by itself while nothing is searched for, no second page was asked for and nobody is at the list.
let listed = { entries: null, at: 0, isFirstPage: true };

function refreshEntries(entries) {
  const isFree = listed.isFirstPage && Object.keys(selector()).length === 0 && !$("entries").contains(document.activeElement) && !$("confirm").open;
  if (isFree && listed.entries !== entries && Date.now() - listed.at >= 3000) showEntries(false, true);
}

async function showEntries(isMore, isQuiet) {
  listed = { entries: state.stats ? state.stats.entries : null, at: Date.now(), isFirstPage: !isMore };
  try {
    const query = new URLSearchParams({ ...selector(), order: "newest", limit: 25 });
    if (isMore && state.cursor) query.set("cursor", state.cursor);
    const page = await call("GET", `dashboard/entries?${query}`);
    const rows = page.entries.map((entry) => element("tr", { "data-entry": entry.id },
      element("td", { class: "text" }, question(entry.query, entry.query_bytes), entry.answer ? element("p", { class: "hint" }, entry.answer) : null),
      element("td", { class: "name", title: entry.model }, entry.model), element("td", { class: "number" }, format.time(entry.age_seconds)), element("td", { class: "number" }, format.time(entry.ttl_seconds)),
      element("td", { class: "number" }, whole.format(entry.hits)), element("td", { class: "number" }, format.bytes(entry.bytes)),
      element("td", {}, element("button", { type: "button", class: "danger", "aria-label": `Remove entry ${entry.id}`, onclick: () => remove(entry.id) }, "Remove"))));
    const body = $("entries").tBodies[0];
    if (isMore) body.append(...rows); else body.replaceChildren(...rows);
    if (isMore && !page.next_cursor && document.activeElement === $("more")) goOn(rows[0], "h-entries");
    if (!body.rows.length) body.append(element("tr", {}, element("td", { class: "none", colspan: 7 }, "No entry.")));
    state.cursor = page.next_cursor;
    $("more").hidden = !page.next_cursor;
    if (!isQuiet) message("");
  } catch (error) {
    if (!isQuiet) message(error.message, true);
  }
}

async function remove(id) {
  const ids = [...$("entries").tBodies[0].rows].map((row) => row.dataset.entry);
  const next = ids[ids.indexOf(id) + 1];
  const wasThere = $("entries").contains(document.activeElement);
  try {
    await call("DELETE", `cache/entries/${id}`);
    await showEntries();
    message("One entry removed.");
    if (wasThere) goOn([...$("entries").tBodies[0].rows].find((row) => next && row.dataset.entry === next), "h-entries");
  } catch (error) { message(error.message, true); }
}

async function flush() {
  const chosen = selector();
  const isAll = Object.keys(chosen).length === 0;
  const body = isAll ? { all: true } : chosen;
  try {
    const { matched } = await call("POST", "cache/flush", { ...body, dry_run: true });
    if (matched === 0) return message("No entry matches: nothing to flush.");
    $("confirm-text").textContent = isAll ? `No condition is set: this removes all ${whole.format(matched)} entries of all tenants.` : `${whole.format(matched)} ${matched === 1 ? "entry matches" : "entries match"}. They are removed from memory and disk.`;
    $("confirm-yes").textContent = `Remove ${whole.format(matched)}`;
    $("confirm").returnValue = "no";
    $("confirm").showModal();
    $("confirm").onclose = async () => {
      if ($("confirm").returnValue !== "yes") return message("Nothing was removed.");
      try {
        const { removed } = await call("POST", "cache/flush", body);
        await showEntries();
        message(`${whole.format(removed)} ${removed === 1 ? "entry" : "entries"} removed.`);
      } catch (error) { message(error.message, true); }
    };
  } catch (error) { message(error.message, true); }
}

// Events

function show() {
  const { stats } = state;
  if (!stats || document.hidden) return;
  showSummary(stats);
  showTime();
  showLatency(stats.latency_ms);
  showNeighbours(stats);
  showReasons(stats);
  showHealth(stats);
  showShares(stats);
  showPopulations(stats);
}

function listen() {
  const source = new EventSource("dashboard/events");
  const status = (kind, text) => { $("status").className = kind; say("status-text", text); };
  source.addEventListener("open", () => {
    status("live", "live");
    // All of them come again; a proxy that was started anew has none.
    state.decisions = [];
    showRecent();
  });
  source.addEventListener("error", () => status("lost", "connection lost, trying again"));
  source.addEventListener("history", (event) => Object.assign(state, JSON.parse(event.data)));
  source.addEventListener("decisions", (event) => {
    state.decisions = state.decisions.concat(JSON.parse(event.data)).slice(-400);
    showRecent();
    showNear();
  });
  source.addEventListener("near", (event) => {
    state.near = JSON.parse(event.data);
    showNear();
  });
  source.addEventListener("stats", (event) => {
    const isFirst = !state.stats;
    state.stats = JSON.parse(event.data);
    // Whether verdicts are taken was not known before.
    if (isFirst) showNear();
    const sample = sampleOf(state.stats);
    if (!state.hour.length || sample.time - state.hour[state.hour.length - 1].time >= 10000) state.hour = state.hour.concat(sample).slice(-361);
    if (!state.day.length || sample.time - state.day[state.day.length - 1].time >= 300000) state.day = state.day.concat(sample).slice(-289);
    show();
    if (!document.hidden) refreshEntries(state.stats.entries);
  });
}

function choose(attribute, key, then) {
  const buttons = [...document.querySelectorAll(`[data-${attribute}]`)].filter((node) => node.tagName === "BUTTON");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      state[key] = button.dataset[attribute];
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      then();
    });
  }
}

choose("span", "span", showTime);
choose("group", "group", () => state.stats && showShares(state.stats));
choose("measure", "measure", () => state.stats && showNeighbours(state.stats));
choose("show", "show", showRecent);
$("pause").addEventListener("click", () => {
  state.isPaused = !state.isPaused;
  $("pause").setAttribute("aria-pressed", String(state.isPaused));
  showRecent();
});
$("search").addEventListener("submit", (event) => { event.preventDefault(); showEntries(); });
$("flush").addEventListener("click", flush);
$("more").addEventListener("click", () => showEntries(true));
document.addEventListener("visibilitychange", show);
addEventListener("resize", show);
showRecent();
showNear();
showEntries();
listen();

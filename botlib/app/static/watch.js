// Watch: what the bot does now and why; STOP; outcomes of its replies.
import { ask } from "./api.js";
import { ago, el, number, put, toast } from "./dom.js";

const place = document.getElementById("watch");
const now = el("div", { class: "desk" });
const outcomesPanel = el("div", { class: "desk" });
let timer;
let confirming = false;

export function onToggle(visible) {
  clearInterval(timer);
  if (!visible) return;
  if (!now.isConnected) put(place, now, outcomesPanel);
  refresh();
  outcomes();
  timer = setInterval(refresh, 3000);
}

async function refresh() {
  if (document.hidden) return;
  try {
    draw(await ask("/api/watch"));
  } catch (error) {
    if (error.status !== 401) put(now, el("p", { class: "note bad", role: "alert" }, error.message));
  }
}

function draw(state) {
  put(now,
    el("section", { class: `card state ${state.mood}`, "aria-label": "The bot" },
      el("h2", {}, el("i", { class: "lamp", "aria-hidden": "true" }), state.headline), el("p", {}, sentence(state.why)), state.error ? el("p", { class: "note bad" }, state.error) : null),
    state.stopped ? starting() : el("button", { class: "stop", id: "stop", onclick: stop }, "STOP posting"),
    state.facts.length ? el("dl", { class: "facts" }, state.facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))) : null,
    state.shut.length ? el("section", { class: "card" }, el("h3", {}, "Subreddits shut to the bot"), state.shut.map(([name, why]) => el("p", {}, el("b", {}, `r/${name}`), ` ${why}`)),
      el("p", { class: "soft" }, "To open one again: ", el("code", {}, "python -m botlib start --workspace DIR --reopen NAME"))) : null,
    el("section", { class: "card" }, el("h3", {}, "Last rounds"), state.rounds.length ? rounds(state) : el("p", { class: "soft" }, "None yet. Each round reads, writes, judges, and posts what was approved.")),
    el("section", { class: "card" }, el("h3", {}, `People who opted out: ${state.opted_out}`), state.opt_outs.length ? el("ul", { class: "plain" }, state.opt_outs.map((one) =>
      el("li", {}, el("b", {}, `u/${one.author}`), el("span", { class: "soft" }, ` since ${one.since.slice(0, 10)}`)))) : el("p", { class: "soft" }, "Nobody so far. People who answer “stop” are listed here and never answered again.")));
}

// Commands stand between backticks
function sentence(words) {
  const capitalised = words ? `${words[0].toUpperCase()}${words.slice(1)}` : "";
  return capitalised.split("`").map((part, index) => (index % 2 ? el("code", {}, part) : part));
}

function rounds(state) {
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["began", "took", "proposed", "posted", "said"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, state.rounds.map((one) => el("tr", {}, el("td", {}, ago(state.now - one.began)), el("td", {}, `${Math.round(one.seconds)} s`), el("td", {}, String(one.proposed)), el("td", {}, String(one.posted)), el("td", { class: one.error ? "bad" : "" }, one.error || "fine"))))));
}

function starting() {
  const button = el("button", { id: "start", onclick: async () => {
    if (!confirming) {
      confirming = true;
      button.textContent = "Tap again: approved replies may be posted";
      setTimeout(() => { confirming = false; }, 6000);
      return;
    }
    confirming = false;
    await act("start", "Posting is allowed again.");
  } }, confirming ? "Tap again: approved replies may be posted" : "Let it post again");
  return button;
}

const stop = () => act("stop", "Stopped. Nothing more is posted.");

async function act(command, words) {
  try {
    draw(await ask(`/api/watch/${command}`, {}));
    toast(words);
  } catch (error) {
    toast(`${error.message} In a terminal: python -m botlib ${command} --workspace DIR`);
  }
}

async function outcomes() {
  try {
    const results = await ask("/api/watch/outcomes");
    if (!results.replies.length) {
      put(outcomesPanel, el("section", { class: "card" }, el("h3", {}, "How replies fared"), el("p", { class: "soft" }, "No reply was posted yet. An hour, a day and a week after a post its score is looked up and set beside what was predicted.")));
      return;
    }
    put(outcomesPanel, el("section", { class: "card" }, el("h3", {}, "How replies fared"),
      el("p", { class: "soft" }, `${results.latest ? `The latest ${results.latest}: ` : ""}${results.fates.there} there · ${results.fates.removed} removed · ${results.fates.deleted} deleted · ${results.fates.gone} gone`),
      results.points.length > 1 ? chart(results.points) : null, el("p", { class: "soft" }, `${results.sentence[0].toUpperCase()}${results.sentence.slice(1)}.`),
      el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["reply", "predicted", "1 h", "1 day", "1 week", "fate"].map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, results.replies.map((row) => el("tr", {}, el("td", { class: "wide" }, row.reply.slice(0, 90)), el("td", {}, number(row.predicted)), ...["score_1h", "score_24h", "score_168h"].map((age) => el("td", {}, number(row[age], 0))), el("td", { class: row.fate === "there" ? "" : "bad" }, row.fate))))))));
  } catch (error) {
    if (error.status !== 401) put(outcomesPanel, el("p", { class: "note bad" }, error.message));
  }
}

// Predicted rating (0 to 3) against the score after a day
export function chart(points) {
  const svgElement = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const scores = points.map(([, score]) => score);
  const [low, high] = [Math.min(0, ...scores), Math.max(1, ...scores)];
  const x = (rating) => 34 + (rating / 3) * 316;
  const y = (score) => 150 - ((score - low) / (high - low)) * 136;
  const svg = svgElement("svg", { viewBox: "0 0 360 186", class: "chart", role: "img", "aria-label": "Predicted rating and score after a day, one dot a reply" });
  for (const score of [low, high]) {
    svg.append(svgElement("line", { x1: 34, x2: 350, y1: y(score), y2: y(score), class: "grid" }));
    svg.append(Object.assign(svgElement("text", { x: 28, y: y(score) + 4, "text-anchor": "end" }), { textContent: score }));
  }
  for (const rating of [0, 1, 2, 3]) svg.append(Object.assign(svgElement("text", { x: x(rating), y: 166, "text-anchor": "middle" }), { textContent: rating }));
  svg.append(Object.assign(svgElement("text", { x: 192, y: 182, "text-anchor": "middle" }), { textContent: "predicted rating; upwards the score after a day" }));
  for (const [rating, score] of points) svg.append(svgElement("circle", { cx: x(rating), cy: y(score), r: 4.5 }));
  return svg;
}

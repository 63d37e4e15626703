// Watch: what the bot does now and why; STOP; what it earned.
import { ask } from "./api.js";
import { ago, el, number, put, toast } from "./dom.js";

const place = document.getElementById("watch");
const now = el("div", { class: "desk" });
const earned = el("div", { class: "desk" });
let timer;
let sure = false;

export function shown(yes) {
  clearInterval(timer);
  if (!yes) return;
  if (!now.isConnected) put(place, now, earned);
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

function draw(said) {
  put(now,
    el("section", { class: `card state ${said.mood}`, "aria-label": "The bot" },
      el("h2", {}, el("i", { class: "lamp", "aria-hidden": "true" }), said.headline), el("p", {}, sentence(said.why)), said.error ? el("p", { class: "note bad" }, said.error) : null),
    said.stopped ? starting() : el("button", { class: "stop", id: "stop", onclick: stop }, "STOP posting"),
    said.facts.length ? el("dl", { class: "facts" }, said.facts.map(([what, value]) => el("div", {}, el("dt", {}, what), el("dd", {}, value)))) : null,
    said.shut.length ? el("section", { class: "card" }, el("h3", {}, "Subreddits shut to the bot"), said.shut.map(([name, why]) => el("p", {}, el("b", {}, `r/${name}`), ` ${why}`)),
      el("p", { class: "soft" }, "To open one again: ", el("code", {}, "python -m botlib start --workspace DIR --reopen NAME"))) : null,
    el("section", { class: "card" }, el("h3", {}, "Last rounds"), said.rounds.length ? rounds(said) : el("p", { class: "soft" }, "None yet. Each round reads, writes, judges, and posts what was approved.")),
    el("section", { class: "card" }, el("h3", {}, `People who opted out: ${said.opted_out}`), said.opt_outs.length ? el("ul", { class: "plain" }, said.opt_outs.map((one) =>
      el("li", {}, el("b", {}, `u/${one.author}`), el("span", { class: "soft" }, ` since ${one.since.slice(0, 10)}`)))) : el("p", { class: "soft" }, "Nobody so far. Whoever answers “stop” is listed here and never answered again.")));
}

// Commands stand between backticks
function sentence(words) {
  const whole = words ? `${words[0].toUpperCase()}${words.slice(1)}` : "";
  return whole.split("`").map((part, index) => (index % 2 ? el("code", {}, part) : part));
}

function rounds(said) {
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["began", "took", "proposed", "posted", "said"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, said.rounds.map((one) => el("tr", {}, el("td", {}, ago(said.now - one.began)), el("td", {}, `${Math.round(one.seconds)} s`), el("td", {}, String(one.proposed)), el("td", {}, String(one.posted)), el("td", { class: one.error ? "bad" : "" }, one.error || "fine"))))));
}

function starting() {
  const button = el("button", { id: "start", onclick: async () => {
    if (!sure) {
      sure = true;
      button.textContent = "Tap again: approved replies may be posted";
      setTimeout(() => { sure = false; }, 6000);
      return;
    }
    sure = false;
    await act("start", "Posting is allowed again.");
  } }, sure ? "Tap again: approved replies may be posted" : "Let it post again");
  return button;
}

const stop = () => act("stop", "Stopped. Nothing more is posted.");

async function act(what, words) {
  try {
    draw(await ask(`/api/watch/${what}`, {}));
    toast(words);
  } catch (error) {
    toast(`${error.message} In a terminal: python -m botlib ${what} --workspace DIR`);
  }
}

async function outcomes() {
  try {
    const said = await ask("/api/watch/outcomes");
    if (!said.replies.length) {
      put(earned, el("section", { class: "card" }, el("h3", {}, "How replies fared"), el("p", { class: "soft" }, "No reply was posted yet. An hour, a day and a week after a post its score is looked up and set beside what was predicted.")));
      return;
    }
    put(earned, el("section", { class: "card" }, el("h3", {}, "How replies fared"),
      el("p", { class: "soft" }, `${said.fates.there} there · ${said.fates.removed} removed · ${said.fates.deleted} deleted · ${said.fates.gone} gone`),
      said.points.length > 1 ? chart(said.points) : null, el("p", { class: "soft" }, `${said.sentence[0].toUpperCase()}${said.sentence.slice(1)}.`),
      el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["reply", "predicted", "1 h", "1 day", "1 week", "fate"].map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, said.replies.map((row) => el("tr", {}, el("td", { class: "wide" }, row.reply.slice(0, 90)), el("td", {}, number(row.predicted)), ...["score_1h", "score_24h", "score_168h"].map((age) => el("td", {}, number(row[age], 0))), el("td", { class: row.fate === "there" ? "" : "bad" }, row.fate))))))));
  } catch (error) {
    if (error.status !== 401) put(earned, el("p", { class: "note bad" }, error.message));
  }
}

// Predicted rating (0 to 3) against the score after a day
export function chart(points) {
  const made = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const scores = points.map(([, score]) => score);
  const [low, high] = [Math.min(0, ...scores), Math.max(1, ...scores)];
  const x = (rating) => 34 + (rating / 3) * 316;
  const y = (score) => 150 - ((score - low) / (high - low)) * 136;
  const svg = made("svg", { viewBox: "0 0 360 186", class: "chart", role: "img", "aria-label": "Predicted rating and score after a day, one dot a reply" });
  for (const score of [low, high]) {
    svg.append(made("line", { x1: 34, x2: 350, y1: y(score), y2: y(score), class: "grid" }));
    svg.append(Object.assign(made("text", { x: 28, y: y(score) + 4, "text-anchor": "end" }), { textContent: score }));
  }
  for (const rating of [0, 1, 2, 3]) svg.append(Object.assign(made("text", { x: x(rating), y: 166, "text-anchor": "middle" }), { textContent: rating }));
  svg.append(Object.assign(made("text", { x: 192, y: 182, "text-anchor": "middle" }), { textContent: "predicted rating; upwards the score after a day" }));
  for (const [rating, score] of points) svg.append(made("circle", { cx: x(rating), cy: y(score), r: 4.5 }));
  return svg;
}

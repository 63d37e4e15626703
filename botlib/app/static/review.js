// Review: one reply at a time, the best first.
import { ask } from "./api.js";
import { ago, el, empty, meters, out, put, toast } from "./dom.js";
import { handed } from "./byhand.js";

const place = document.getElementById("review");
const count = document.getElementById("count");
const REASONS = ["off topic", "wrong", "unkind", "reads like a bot", "adds nothing"];
let state = null; // the server's last answer
let at = 0;
let decidedIds = []; // ids this browser decided about, the last one last
let mode = ""; // "", "edit" or "reject"
let busy = false;
let asking = false;
let timer;
const threads = new Map();

export function onToggle(visible) {
  clearInterval(timer);
  if (!visible) return;
  refresh();
  timer = setInterval(refresh, 8000);
}

const current = () => state?.waiting[at];
const live = () => document.getElementById("place").classList.contains("live");

async function refresh() {
  if (busy || asking || (mode && mode !== "overtaken") || document.hidden) return;
  asking = true;
  try {
    take(await ask("/api/review"), true);
  } catch (error) {
    if (!state && error.status !== 401) failed(error.message);
    else if (error.status === 0) toast(error.message);
  } finally {
    asking = false;
  }
}

// Keeps the reply that is being read in view while others come and go
function take(fresh, quiet = false) {
  if (busy && quiet) return;
  const before = current();
  const same = state && JSON.stringify([fresh.waiting, fresh.handed, fresh.asks]) === JSON.stringify([state.waiting, state.handed, state.asks]);
  state = fresh;
  if (mode === "overtaken" && quiet) return;
  count.textContent = fresh.waiting.length;
  count.hidden = !fresh.waiting.length;
  if (same && quiet) return;
  const index = fresh.waiting.findIndex((card) => card.id === before?.id);
  if (index >= 0) at = index;
  else {
    at = Math.min(at, Math.max(0, fresh.waiting.length - 1));
    // Another reply must not slip under a thumb that is about to approve
    if (before && quiet && !decidedIds.includes(before.id)) return overtaken();
  }
  draw();
}

function overtaken() {
  mode = "overtaken";
  put(place, empty("Somebody else decided", "The reply that you were reading is approved or rejected by now. Nothing is decided twice.", el("button", { class: "main", onclick: onward }, "Go on", el("kbd", {}, "j"))));
}

function onward() {
  mode = "";
  draw();
}

function failed(words) {
  put(place, empty("The replies can't be shown now", words, el("button", { class: "main", onclick: refresh }, "Try again")));
}

function draw() {
  const card = current();
  const openQuestions = [...state.asks, ...state.handed].map((reply) => handed(reply, settle));
  if (!card) {
    const words = state.elsewhere
      ? `${state.elsewhere} wait for the other site: start the page ${live() ? "without" : "with"} --live to judge them.`
      : state.approved
        ? `${state.approved} approved: the bot posts them in its next round.`
        : "The bot proposes replies each round. To begin one: python -m botlib bot --workspace DIR";
    put(place, el("div", { class: "desk" }, openQuestions, empty("Nothing waits for you", words, again())));
    return;
  }
  put(place, el("div", { class: "desk fresh" }, openQuestions, head(card), conversation(card), ...judged(card), others(card), rules(card)), bar(card));
  if (mode === "edit") place.querySelector("textarea").focus();
  if (mode === "reject") place.querySelector(".why input").focus();
}

function again() {
  return decidedIds.length || state.approved ? el("button", { onclick: undo }, "Undo the last decision", el("kbd", {}, "u")) : null;
}

function head(card) {
  return el("div", {},
    el("p", { class: "crumb" }, el("b", {}, `r/${card.subreddit}`), el("span", {}, `proposed ${ago(state.now - card.since)}`), out(card.link, "open"),
      el("span", { class: "end" }, `${at + 1} of ${state.waiting.length}`)),
    el("h2", { class: "topic" }, card.title || "(no title)"));
}

// The thread above, read once for each version of a reply
function read(card) {
  const key = `${card.id} ${card.version}`;
  if (!threads.has(key)) {
    const request = ask(`/api/review/${card.id}`);
    threads.set(key, request);
    request.catch(() => threads.delete(key));
  }
  return threads.get(key);
}

// Quick browsing asks Reddit nothing; after a pause the next thread is read too
async function calmly(card) {
  if (threads.has(`${card.id} ${card.version}`)) return read(card);
  await new Promise((resolve) => setTimeout(resolve, 250));
  if (current()?.id !== card.id) return null;
  const thread = await read(card);
  const next = state.waiting[at + 1];
  if (next && current()?.id === card.id) read(next);
  return thread;
}

function conversation(card) {
  const box = el("div", { class: "thread", tabindex: "0", role: "region", "aria-label": "The conversation above", onclick: () => box.classList.toggle("open") },
    el("p", { class: "soft" }, "Reading the thread …"));
  const warning = el("div", { id: "changed" });
  calmly(card).then((thread) => {
    if (!thread) return;
    const { turns, changed } = thread;
    const above = turns.slice(1, -1).filter((turn) => turn.text);
    const last = turns[turns.length - 1];
    put(box, above.length ? above.map(({ who, text }) => el("p", { class: "text" }, el("b", {}, who ? `${who}  ` : "The post  "), text))
      : el("p", { class: "soft" }, "There is only the title above it."));
    box.scrollTop = box.scrollHeight;
    if (changed) put(warning, el("p", { class: "note" }, `It would not be posted now: ${changed}.`,
      changed.includes("edited") && last ? el("span", { class: "text" }, `\nThe comment now: ${last.text}`) : null));
  }, (error) => put(box, el("p", { class: "soft" }, `${error.message}. You can still judge the reply.`)));
  return el("div", { class: "desk-part" }, box, warning,
    el("div", { class: "said", tabindex: "0", role: "region", "aria-label": "The comment" }, el("b", {}, card.author ? `u/${card.author}` : "(author unknown)"), el("div", { class: "text" }, card.comment || "(its text was removed here)")));
}

function judged(card) {
  const draftText = draft(card);
  const body = mode === "edit"
    ? el("textarea", { "aria-label": "The reply's text", rows: 7, value: draftText ?? card.reply, oninput: (event) => keep(card, event.target.value), onkeydown: editing })
    : el("div", { class: "text", id: "reply" }, card.reply);
  return [
    card.why ? el("p", { class: "note" }, `Look again: ${card.why}.`) : null,
    el("section", { class: "card ours", "aria-label": "The reply" },
      el("h2", {}, "The reply, as it will be posted"), body,
      el("hr", { class: "line" }), el("p", { class: "disclosure" }, state.disclosure), meters(card)),
  ].filter(Boolean);
}

function others(card) {
  if (!card.others.length) return null;
  return el("details", {}, el("summary", {}, `${card.others.length} other ${card.others.length === 1 ? "candidate" : "candidates"}`),
    card.others.map((other) => el("div", { class: "other" }, el("div", { class: "text" }, other.text),
      el("div", { class: "foot" }, el("span", { class: "soft" }, other.reason),
        el("button", { class: "chip", onclick: () => { keep(card, other.text); mode = "edit"; draw(); } }, "Use this")))));
}

function rules(card) {
  if (!card.rules.length) return null;
  const botRules = card.rules.filter((rule) => rule.startsWith("!"));
  return el("details", { open: botRules.length > 0 }, el("summary", {}, `Rules of r/${card.subreddit}`),
    el("ul", {}, card.rules.map((rule) => el("li", { class: rule.startsWith("!") ? "note" : "" }, rule.replace(/^! /, "")))));
}

function bar(card) {
  if (mode === "edit") {
    return el("div", { class: "actions" }, el("div", {},
      el("button", { class: "big", onclick: cancel }, "Cancel"),
      el("button", { class: "big main", onclick: () => save(card) }, "Approve this text")));
  }
  if (mode === "reject") {
    const input = el("input", { type: "text", placeholder: "Why? May stay empty", "aria-label": "Why", maxlength: 300, onkeydown: (event) => {
      if (event.key === "Enter") decide("reject", { reason: input.value });
      if (event.key === "Escape") cancel();
    } });
    return el("div", { class: "actions" }, el("div", { class: "why" },
      el("div", { class: "chips" }, REASONS.map((words) => el("button", { class: "chip", onclick: () => decide("reject", { reason: words }) }, words))), input),
      el("div", {}, el("button", { class: "big", onclick: cancel }, "Cancel"),
        el("button", { class: "big bad", onclick: () => decide("reject", { reason: input.value }) }, "Reject")));
  }
  return el("div", { class: "actions" },
    el("div", {},
      el("button", { class: "big bad", onclick: rejecting }, "Reject", el("kbd", {}, "r")),
      el("button", { class: "big", onclick: edit }, "Edit", el("kbd", {}, "e")),
      el("button", { class: "big main", onclick: () => decide("approve") }, "Approve", el("kbd", {}, "a"))),
    el("div", { class: "small" },
      el("button", { class: "quiet", disabled: at === 0, onclick: () => move(-1) }, "‹ Back", el("kbd", {}, "k")),
      el("button", { class: "quiet", onclick: undo }, "Undo", el("kbd", {}, "u")),
      live() ? el("button", { class: "quiet", onclick: () => decide("hand-over") }, "I post it myself") : null,
      el("button", { class: "quiet", disabled: at + 1 >= state.waiting.length, onclick: () => move(1) }, "Next ›", el("kbd", {}, "j"))));
}

const MESSAGES = { approve: "Approved. It is posted in the bot's next round.", edit: "Approved with your text.", reject: "Rejected.", "hand-over": "It is yours now: copy it, post it, and say below how it went." };

async function decide(decision, more = {}) {
  const card = current();
  if (!card || busy) return;
  busy = true;
  try {
    const fresh = await ask(`/api/review/${card.id}/${decision}`, { version: card.version, ...more });
    decidedIds.push(card.id);
    forget(card);
    mode = "";
    busy = false;
    take(fresh);
    toast(MESSAGES[decision]);
    scrollTo(0, 0);
  } catch (error) {
    busy = false;
    toast(error.message);
    if (error.status !== 409) return;
    // The draft is kept; the list is read again
    mode = "";
    await refresh();
  } finally {
    busy = false;
  }
}

async function undo() {
  if (busy) return;
  busy = true;
  try {
    const fresh = await ask("/api/review/undo", { id: decidedIds.at(-1) ?? null });
    decidedIds = decidedIds.filter((id) => id !== fresh.undone);
    mode = "";
    busy = false;
    take(fresh);
    at = Math.max(0, state.waiting.findIndex((card) => card.id === fresh.undone));
    draw();
    toast(`It was ${fresh.was}; it waits again.`);
  } catch (error) {
    decidedIds.pop();
    toast(error.message);
  } finally {
    busy = false;
  }
}

async function settle(reply, answer) {
  try {
    take(await ask(`/api/review/${reply.id}/settle`, { answer }));
  } catch (error) {
    toast(error.message);
  }
}

function move(step) {
  const position = at + step;
  if (position < 0 || position >= state.waiting.length) return;
  at = position;
  mode = "";
  draw();
  scrollTo(0, 0);
}

function edit() { mode = "edit"; draw(); }
function rejecting() { mode = "reject"; draw(); }
function cancel() { forget(current()); mode = ""; draw(); }
function save(card) { decide("edit", { text: place.querySelector("textarea").value }); }
function editing(event) {
  if (event.key === "Escape") cancel();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save(current());
}

// A draft survives a reload, and a restart of the program
const draft = (card) => stored((place) => place.getItem(`draft ${card.id} ${card.version}`));
const keep = (card, text) => stored((place) => place.setItem(`draft ${card.id} ${card.version}`, text));
const forget = (card) => card && stored((place) => place.removeItem(`draft ${card.id} ${card.version}`));

// A browser may forbid storage, in a notebook's frame for instance
function stored(act) {
  try {
    return act(localStorage);
  } catch {
    return null;
  }
}

export function key(event) {
  if (mode === "overtaken" && event.key === "j") return onward();
  if (!state || mode) return;
  const act = { j: () => move(1), k: () => move(-1), a: () => decide("approve"), e: () => current() && edit(), r: () => current() && rejecting(), u: undo }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

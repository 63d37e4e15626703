// Try: a comment in, candidates out as they are written; two settings side by side.
import { ask, stream } from "./api.js";
import { el, meters, put, toast } from "./dom.js";

const place = document.getElementById("try");
const EXAMPLE = "I have been stuck on the second chapter for months. How do you keep writing when nothing works?";
const SLIDERS = {
  temperature: [0, 1.5, 0.05, "Lower is safer, higher is bolder"],
  top_k: [0, 200, 1, "Draw from the k likeliest tokens; 0: from all"],
  top_p: [0.05, 1, 0.01, "… and from the fewest that reach this probability"],
  n: [1, 20, 1, "How many candidates"],
  threshold: [0, 1, 0.01, "Lowest realism; decides again at once"],
};
const LABELS = { top_k: "top k", top_p: "top p", n: "candidates" };
let about;
let text;
let sides = [];

export async function onToggle(visible) {
  if (!visible || about) return;
  try {
    about = await ask("/api/try");
  } catch (error) {
    if (error.status !== 401) put(place, el("p", { class: "note bad" }, error.message));
    return;
  }
  build();
  load();
}

async function load() {
  const note = place.querySelector("#loading");
  try {
    const { seconds, threshold } = await ask("/api/try/load", { run: about.run });
    about.threshold = threshold;
    note.textContent = `The models are loaded (${seconds.toFixed(1)} s).`;
  } catch (error) {
    note.className = "note";
    note.textContent = `${error.message}.`;
  }
}

function build() {
  text = el("textarea", { id: "said", rows: 3, "aria-label": "A comment, or a link to one", placeholder: "Type a comment, or paste a link to one on Reddit",
    onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) all(); } });
  sides = [new Side("A")];
  const compare = el("button", { class: "chip", id: "compare", "aria-pressed": "false", onclick: () => {
    if (sides.length === 1) sides.push(new Side("B", sides[0]));
    else sides.pop().stop();
    compare.setAttribute("aria-pressed", sides.length === 2);
    put(columns, sides.map((side) => side.node));
    columns.classList.toggle("two", sides.length === 2);
    if (sides.length === 2 && text.value.trim()) sides[1].write();
  } }, "Compare two settings");
  const columns = el("div", { class: "columns" }, sides.map((side) => side.node));
  put(place, el("div", { class: "desk trying" },
    el("div", { class: "ask" }, text,
      el("div", { class: "row" }, el("button", { class: "main grow", id: "write", onclick: all }, "Write replies"),
        el("button", { class: "chip", onclick: () => { text.value = EXAMPLE; all(); } }, "An example"), compare)),
    el("p", { class: "soft", id: "loading" }, "Loading the models …"), columns));
}

function all() {
  if (!text.value.trim()) {
    text.focus();
    toast("Type a comment first, or paste a link to one.");
    return;
  }
  for (const side of sides) side.write();
}

// One setting with its candidates
class Side {
  constructor(name, like) {
    this.name = name;
    this.values = like ? { ...like.values } : { ...about.defaults, threshold: about.threshold, run: about.run };
    this.head = el("div", {});
    this.list = el("ol", { class: "candidates", "aria-label": `Candidates ${name}` });
    this.status = el("p", { class: "soft", role: "status" }, "What you try stays here: nothing is sent or kept.");
    this.cards = new Map();
    this.node = el("section", { class: "side", "aria-label": `Setting ${name}` }, this.controls(), this.status, this.head, this.list);
  }

  controls() {
    const rows = Object.entries(SLIDERS).map(([name, [least, most, step, title]]) => {
      const value = el("output", {}, this.format(name));
      return el("label", { class: "slider", title }, el("span", {}, LABELS[name] ?? name), value,
        el("input", { type: "range", min: least, max: name === "n" ? about.most : most, step, value: this.values[name], name: `${name}-${this.name}`, oninput: (event) => {
          const before = this.values[name];
          this.values[name] = Number(event.target.value);
          value.textContent = this.format(name);
          this.changed(name, before);
        } }));
    });
    const runs = about.runs.length > 1 ? el("label", {}, "model", el("select", { onchange: (event) => { this.values.run = event.target.value; this.soon(); } },
      about.runs.map((run) => el("option", { selected: run === this.values.run }, run)))) : null;
    return el("details", { class: "settings", open: matchMedia("(min-width: 760px)").matches || this.name === "B" }, el("summary", {}, `Setting ${this.name}`), el("div", { class: "sliders" }, rows, runs));
  }

  format(name) {
    const value = this.values[name];
    return Number.isInteger(SLIDERS[name][2]) ? String(value) : value.toFixed(2);
  }

  changed(name, before) {
    if (name === "threshold" || (name === "n" && this.values.n <= Math.max(before, this.cards.size))) this.judgeSoon();
    else this.soon();
  }

  soon() {
    clearTimeout(this.later);
    if (text.value.trim() && this.trial) this.later = setTimeout(() => this.write(), 350);
  }

  judgeSoon() {
    clearTimeout(this.judging);
    this.judging = setTimeout(async () => {
      if (!this.trial) return;
      try {
        const { candidates } = await ask(`/api/try/${this.trial}/judge`, { threshold: this.values.threshold, n: this.values.n });
        this.draw(candidates);
      } catch (error) {
        this.status.textContent = error.message;
      }
    }, 60);
  }

  stop() {
    this.aborting?.abort();
  }

  async write() {
    this.stop();
    const controller = new AbortController();
    this.aborting = controller;
    this.cards.clear();
    put(this.list);
    put(this.head);
    this.trial = null;
    this.status.textContent = "Writing …";
    try {
      for await (const line of stream("/api/try", { text: text.value, ...this.values }, controller.signal)) {
        if (line.error) throw new Error(line.error);
        if (line.trial) this.begin(line);
        if (line.candidates) {
          this.draw(line.candidates);
          this.status.textContent = `Writing … ${line.candidates.length} of ${this.values.n}`;
        }
        if (line.done) this.status.textContent = `${this.cards.size} candidates in ${line.seconds.toFixed(1)} s${this.list.querySelector(".reply") ? "" : ": none passes. Lower the threshold to see which would be next"}`;
      }
    } catch (error) {
      if (error.name !== "AbortError") put(this.status, el("span", { class: "note bad" }, error.message));
    }
  }

  begin({ trial, linked, refusal, comment }) {
    this.trial = trial;
    this.linked = linked;
    const above = comment.context;
    if (!comment.author && !refusal) return;
    put(this.head, refusal ? el("p", { class: "note" }, `The bot would not answer this: ${refusal}.`) : null,
      el("div", { class: "said" }, el("b", {}, `${comment.author ? `u/${comment.author}` : ""}${comment.subreddit ? ` in r/${comment.subreddit}` : ""}`), el("div", { class: "text" }, comment.text)),
      above ? el("details", {}, el("summary", {}, "The conversation above it"), el("div", { class: "text soft" }, above)) : null);
  }

  // A card keeps its place: new ones are added below, and a decision changes no heights
  draw(candidates) {
    for (const candidate of candidates) {
      let card = this.cards.get(candidate.sample);
      if (!card) {
        card = { verdict: el("span", { class: "verdict" }), why: el("p", { class: "reason soft" }), scores: el("div", {}) };
        card.use = this.linked ? el("button", { class: "chip", onclick: () => this.propose(candidate.sample) }, "Propose it") : null;
        card.node = el("li", { class: "card fresh" }, el("div", { class: "foot" }, card.verdict, card.use), el("div", { class: "text" }, candidate.text || "(empty)"), card.scores, card.why);
        this.cards.set(candidate.sample, card);
        this.list.append(card.node);
      }
      card.node.className = `card ${candidate.decision}`;
      card.verdict.textContent = { reply: "✓ would reply", outranked: `rank ${candidate.rank}`, refused: "✗ refused" }[candidate.decision];
      card.why.textContent = candidate.reason;
      card.why.title = candidate.reason;
      if (card.use) card.use.disabled = candidate.decision === "refused";
      put(card.scores, meters(candidate));
    }
    const visibleSamples = new Set(candidates.map((candidate) => candidate.sample));
    for (const [sample, card] of this.cards) card.node.hidden = !visibleSamples.has(sample);
  }

  async propose(sample) {
    try {
      await ask(`/api/try/${this.trial}/propose`, { sample, threshold: this.values.threshold, n: this.values.n });
      toast("It waits in Review.");
    } catch (error) {
      toast(error.message);
    }
  }
}

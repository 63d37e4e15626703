// Models: headline values, a threshold to move, the scores of each model, and the run's figures.
import { ask, picture } from "./api.js";
import { el, empty, number, put } from "./dom.js";

const place = document.getElementById("models");
const NAMES = { "02_gpt2_finetune": "The generator", "03_bert_realism": "Realism and fit", "04_bert_upvotes": "Ratings, rank and context" };
let built = false;

export async function onToggle(visible) {
  if (!visible || built) return;
  try {
    build(await ask("/api/models"));
    built = true;
  } catch (error) {
    if (error.status !== 401) put(place, el("p", { class: "note bad" }, error.message));
  }
}

function build(cards) {
  if (!cards.sections.length && !cards.headlines.length) {
    put(place, empty("No models yet", "Notebooks 02 to 04 make them: python -m botlib run --workspace DIR. Or import trained models: python -m botlib import FILE --workspace DIR"));
    return;
  }
  const explorer = el("section", { class: "card", id: "explorer", "aria-label": "Threshold" }, el("h3", {}, "What a realism threshold keeps"), el("p", { class: "soft" }, "Scoring validation pairs …"));
  put(place, el("div", { class: "desk wide-desk" },
    el("div", { class: "heads" }, cards.headlines.map((headline) => el("section", { class: `card head ${headline.state}` }, el("h3", {}, headline.name),
      el("p", { class: "value" }, headline.value, el("span", { class: "soft" }, ` ${headline.interval}`)), el("p", { class: "soft" }, headline.beside), el("p", {}, headline.sentence)))),
    explorer,
    cards.sections.map((section) => el("details", {}, el("summary", {}, section.title), el("p", {}, section.sentence), table(section))),
    cards.notebooks.map((name) => drawer(name))));
  explore(explorer);
}

function table({ columns, rows }) {
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, columns.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell)))))));
}

// Figures are fetched when their drawer is opened, each at its own size
function drawer(name) {
  const box = el("div", { class: "figures" }, el("p", { class: "soft" }, "Opening the notebook …"));
  let requested = false;
  return el("details", { ontoggle: async (event) => {
    if (!event.target.open || requested) return;
    requested = true;
    try {
      const figures = await ask(`/api/models/figures/${name}`);
      put(box, figures.length ? figures.map((figure) => {
        const image = el("img", { alt: figure.alt, width: figure.size[0], height: figure.size[1] });
        picture(`/api/models/figures/${name}/${figure.name}`).then((address) => { image.src = address; });
        return el("figure", {}, image, el("figcaption", {}, figure.sentence));
      }) : el("p", { class: "soft" }, "This run drew no figures."));
    } catch (error) {
      requested = false;
      put(box, el("p", { class: "note" }, error.message));
    }
  } }, el("summary", {}, `Figures: ${NAMES[name]}`), box);
}

async function explore(card) {
  let curve;
  try {
    curve = await ask("/api/models/thresholds");
  } catch (error) {
    card.lastChild.textContent = `${error.message}.`;
    return;
  }
  const numbers = el("div", { class: "facts" });
  const beside = el("ul", { class: "plain beside" });
  const value = el("output", {});
  const slider = el("input", { type: "range", min: 0, max: 1, step: 0.01, value: curve.threshold, oninput: () => move(), "aria-label": "Threshold" });
  const move = () => {
    const at = Number(slider.value);
    const row = curve.steps[Math.round(at * 100)];
    value.textContent = at.toFixed(2);
    put(numbers, [["kept", row.coverage], ["of those, written by people", row.precision], ["of people's replies, kept", row.recall]]
      .map(([label, share]) => el("div", {}, el("dt", {}, label), el("dd", {}, share === null ? "–" : `${(100 * share).toFixed(0)} %`))));
    const cut = curve.replies.filter((pair) => pair.p >= at).length;
    put(beside, curve.replies.slice(Math.max(0, cut - 2), cut + 2).map((pair) => el("li", { class: pair.p >= at ? "kept" : "" },
      el("b", {}, number(pair.p)), el("span", { class: "soft" }, `${pair.p >= at ? "kept" : "dropped"}, ${pair.real ? "a person" : "GPT-2"} `), el("span", { class: "text" }, pair.text))));
  };
  put(card, el("h3", {}, "What a realism threshold keeps"), el("p", { class: "soft" }, `${curve.pairs} validation pairs, half of them written by GPT-2.`),
    el("label", { class: "slider" }, el("span", {}, "threshold"), value, slider), numbers, beside);
  move();
}

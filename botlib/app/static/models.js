// Models: headline values, a threshold to move, the scores of each model, and the run's figures.
import { ask, picture } from "./api.js";
import { el, empty, number, put } from "./dom.js";

const place = document.getElementById("models");
const NAMES = { "02_gpt2_finetune": "The generator", "03_bert_realism": "Realism and fit", "04_bert_upvotes": "Ratings, rank and context" };
let built = false;

export async function shown(yes) {
  if (!yes || built) return;
  try {
    build(await ask("/api/models"));
    built = true;
  } catch (error) {
    if (error.status !== 401) put(place, el("p", { class: "note bad" }, error.message));
  }
}

function build(said) {
  if (!said.sections.length && !said.headlines.length) {
    put(place, empty("No models yet", "Notebooks 02 to 04 make them: python -m botlib run --workspace DIR. Or import somebody's: python -m botlib import FILE --workspace DIR"));
    return;
  }
  const explorer = el("section", { class: "card", id: "explorer", "aria-label": "Threshold" }, el("h3", {}, "What a realism threshold keeps"), el("p", { class: "soft" }, "Scoring validation pairs …"));
  put(place, el("div", { class: "desk wide-desk" },
    el("div", { class: "heads" }, said.headlines.map((one) => el("section", { class: `card head ${one.state}` }, el("h3", {}, one.name),
      el("p", { class: "value" }, one.value, el("span", { class: "soft" }, ` ${one.interval}`)), el("p", { class: "soft" }, one.beside), el("p", {}, one.sentence)))),
    explorer,
    said.sections.map((section) => el("details", {}, el("summary", {}, section.title), el("p", {}, section.sentence), table(section))),
    said.notebooks.map((name) => drawer(name))));
  explore(explorer);
}

function table({ columns, rows }) {
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, columns.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell)))))));
}

// Figures are fetched when their drawer is opened, each at its own size
function drawer(name) {
  const box = el("div", { class: "figures" }, el("p", { class: "soft" }, "Opening the notebook …"));
  let asked = false;
  return el("details", { ontoggle: async (event) => {
    if (!event.target.open || asked) return;
    asked = true;
    try {
      const figures = await ask(`/api/models/figures/${name}`);
      put(box, figures.length ? figures.map((figure) => {
        const image = el("img", { alt: figure.alt, width: figure.size[0], height: figure.size[1] });
        picture(`/api/models/figures/${name}/${figure.name}`).then((address) => { image.src = address; });
        return el("figure", {}, image, el("figcaption", {}, figure.sentence));
      }) : el("p", { class: "soft" }, "This run drew none."));
    } catch (error) {
      asked = false;
      put(box, el("p", { class: "note" }, error.message));
    }
  } }, el("summary", {}, `Figures: ${NAMES[name]}`), box);
}

async function explore(card) {
  let said;
  try {
    said = await ask("/api/models/thresholds");
  } catch (error) {
    card.lastChild.textContent = `${error.message}.`;
    return;
  }
  const numbers = el("div", { class: "facts" });
  const beside = el("ul", { class: "plain beside" });
  const value = el("output", {});
  const slider = el("input", { type: "range", min: 0, max: 1, step: 0.01, value: said.threshold, oninput: () => move(), "aria-label": "Threshold" });
  const move = () => {
    const at = Number(slider.value);
    const row = said.steps[Math.round(at * 100)];
    value.textContent = at.toFixed(2);
    put(numbers, [["kept", row.coverage], ["of those, written by people", row.precision], ["of people's replies, kept", row.recall]]
      .map(([what, share]) => el("div", {}, el("dt", {}, what), el("dd", {}, share === null ? "–" : `${(100 * share).toFixed(0)} %`))));
    const cut = said.replies.filter((one) => one.p >= at).length;
    put(beside, said.replies.slice(Math.max(0, cut - 2), cut + 2).map((one) => el("li", { class: one.p >= at ? "kept" : "" },
      el("b", {}, number(one.p)), el("span", { class: "soft" }, `${one.p >= at ? "kept" : "dropped"}, ${one.real ? "a person" : "GPT-2"} `), el("span", { class: "text" }, one.text))));
  };
  put(card, el("h3", {}, "What a realism threshold keeps"), el("p", { class: "soft" }, `${said.pairs} validation pairs, half of them written by GPT-2.`),
    el("label", { class: "slider" }, el("span", {}, "threshold"), value, slider), numbers, beside);
  move();
}

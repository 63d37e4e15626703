// Makes elements of texts alone: no text of Reddit's is ever read as HTML.
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "scale") set(made, name, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

function set(made, name, value) {
  if (name === "value") made.value = value;
  // Through the object model: the page's policy forbids style attributes
  else made.style.width = `${Math.round(100 * Math.min(1, Math.max(0, value)))}%`;
}

export function put(place, ...children) {
  place.replaceChildren(...children.flat().filter(Boolean));
}

// A link of Reddit's goes to Reddit, or nowhere
export function out(address, words) {
  if (!/^https:\/\/(www|old)\.reddit\.com\//.test(address || "")) return null;
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, words);
}

export function ago(seconds) {
  if (seconds < 90) return "just now";
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

export function number(value, digits = 2) {
  return value === null || value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits);
}

// Realism, fit and expected rating, whichever the judges give
export function meters(of) {
  const shown = [
    ["realism", of.realism, 1, "how likely a person wrote it, 0 to 1"],
    ["fit", of.fit, 1, "how well it answers this comment, 0 to 1"],
    ["rating 0–3", of.rating, 3, "the expected rating: from 0, disliked, to 3, among the best"],
  ].filter(([name, value]) => name !== "fit" || (value !== null && value !== undefined));
  return el("div", { class: "meters" }, shown.map(([name, value, most, title]) =>
    el("div", { class: "meter", title }, el("span", {}, name), el("b", {}, number(value)),
      el("i", { "aria-hidden": "true" }, el("span", { scale: (value ?? 0) / most })))));
}

let hiding;
export function toast(words) {
  const place = document.getElementById("toast");
  place.textContent = words;
  place.classList.add("on");
  clearTimeout(hiding);
  hiding = setTimeout(() => place.classList.remove("on"), Math.max(3500, 60 * words.length));
}

export function empty(title, words, ...more) {
  return el("div", { class: "empty" }, el("h2", {}, title), el("p", {}, words), ...more);
}

// Makes elements from texts only: no text from Reddit is ever read as HTML.
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "scale") set(element, name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, name, value) {
  if (name === "value") element.value = value;
  // Through the DOM: the page's security policy forbids style attributes
  else element.style.width = `${Math.round(100 * Math.min(1, Math.max(0, value)))}%`;
}

export function put(place, ...children) {
  place.replaceChildren(...children.flat().filter(Boolean));
}

// Links to Reddit only; null for any other address
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

// Realism, fit and expected rating, as far as the judges give them
export function meters(scores) {
  const meterRows = [
    ["realism", scores.realism, 1, "how likely a person wrote it, 0 to 1"],
    ["fit", scores.fit, 1, "how well it answers this comment, 0 to 1"],
    ["rating 0–3", scores.rating, 3, "the expected rating: from 0, disliked, to 3, among the best"],
  ].filter(([name, value]) => name !== "fit" || (value !== null && value !== undefined));
  return el("div", { class: "meters" }, meterRows.map(([name, value, most, title]) =>
    el("div", { class: "meter", title }, el("span", {}, name), el("b", {}, number(value)),
      el("i", { "aria-hidden": "true" }, el("span", { scale: (value ?? 0) / most })))));
}

let hideTimer;
export function toast(words) {
  const place = document.getElementById("toast");
  place.textContent = words;
  place.classList.add("on");
  clearTimeout(hideTimer);
  hideTimer = setTimeout(() => place.classList.remove("on"), Math.max(3500, 60 * words.length));
}

export function empty(title, words, ...more) {
  return el("div", { class: "empty" }, el("h2", {}, title), el("p", {}, words), ...more);
}

// The page: the sign-in dialog, the tabs, and which tab is open.
import { ask, enter } from "./api.js";
import { toast } from "./dom.js";
import * as models from "./models.js";
import * as review from "./review.js";
import * as trying from "./try.js";
import * as watch from "./watch.js";

const parts = { try: trying, review, watch, models };
const tabs = [...document.querySelectorAll("[role=tab]")];
let open = "";

export function show(name) {
  if (!parts[name]) return;
  open = name;
  for (const tab of tabs) {
    const chosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !chosen;
  }
  history.replaceState(null, "", `#${name}`);
  for (const [other, part] of Object.entries(parts)) part.onToggle(other === name);
}

for (const tab of tabs) {
  const name = tab.id.slice(4);
  tab.hidden = !parts[name];
  tab.addEventListener("click", () => { show(name); scrollTo(0, 0); });
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const visibleTabs = tabs.filter((other) => !other.hidden);
    const next = visibleTabs[(visibleTabs.indexOf(tab) + step + visibleTabs.length) % visibleTabs.length];
    next.focus();
    next.click();
  });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if (typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey || door.open) return;
  parts[open]?.key?.(event);
});

// The sign-in dialog
const door = document.getElementById("door");
const [why, password, name] = ["door-why", "door-password", "door-name"].map((id) => document.getElementById(id));

async function shut(words) {
  const { password: needed, notebook } = await ask("/api/enter").catch(() => ({ password: false }));
  document.getElementById("door-title").textContent = needed ? "Sign in" : "This page needs its link";
  const link = notebook
    ? "Run the notebook's cell again: its link works once."
    : "Open the link that `python -m botlib app` printed in its terminal: it holds the key.";
  why.textContent = notebook ? link : words || (needed ? "" : link);
  for (const part of [password, name, door.querySelector("button")]) part.hidden = !needed;
  password.querySelector("input").disabled = !needed;
  if (!door.open) door.showModal();
}

door.addEventListener("cancel", (event) => event.preventDefault());
document.getElementById("door-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await enter(password.querySelector("input").value, name.querySelector("input").value);
    password.querySelector("input").value = "";
    door.close();
    await begin();
  } catch (error) {
    why.textContent = error.message;
  }
});
document.addEventListener("shut", () => shut());

async function begin() {
  const { site } = await ask("/api/site");
  const place = document.getElementById("place");
  place.textContent = site === "live" ? "Reddit" : "Sandbox";
  place.classList.toggle("live", site === "live");
  place.hidden = false;
  document.title = site === "live" ? "botlib" : "botlib · sandbox";
  const tabInAddress = location.hash.slice(1);
  show(parts[tabInAddress] ? tabInAddress : open || "review");
}

async function start() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  // Removes the key from the address and the history
  if (key) history.replaceState(null, "", location.pathname);
  try {
    if (key) await enter(key, "");
    const entrance = await ask("/api/enter");
    // In a frame there is no cookie to find
    if (key || entrance.in) await begin();
    else await shut();
  } catch (error) {
    if (error.status === 401) await shut(error.message);
    else toast(error.message);
  }
}

start();

// A reply that a person posts by hand, or that only a person can find on Reddit.
import { el, out, toast } from "./dom.js";

export function handed(reply, settle) {
  const link = el("input", { type: "text", placeholder: "the permalink of your comment", "aria-label": "The permalink of your comment" });
  const copy = async () => {
    await navigator.clipboard.writeText(reply.text);
    toast("Copied.");
  };
  return el("section", { class: "card hand", "aria-label": "A reply to post by hand" },
    el("p", { class: "crumb" }, el("b", {}, `r/${reply.subreddit}`), el("span", {}, reply.title), out(reply.link, "open the thread")),
    el("p", {}, reply.why ? `Was it posted? ${reply.why}` : "You took this reply. Post it in its thread, then say how it went."),
    el("div", { class: "text" }, reply.text),
    reply.why ? null : el("p", { class: "soft" }, reply.advice),
    el("div", { class: "row" }, el("button", { onclick: copy }, "Copy the text"), el("button", { class: "bad", onclick: () => settle(reply, "not posted") }, "Not posted")),
    el("div", { class: "row" }, el("div", { class: "grow" }, link),
      el("button", { class: "main", onclick: () => settle(reply, link.value.trim() || (reply.why ? "" : "posted")) }, "Posted")));
}

// Keys of the desk. Every act is also a link or a button of the page, which works without this file.
"use strict";

const box = document.querySelector("[data-shortcuts]");
const control = box.querySelector("input");
const TYPED_IN = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";

// A reader who dictates, or whose hands shake, turns single keys off (WCAG 2.1.4), once for all.
const KEPT_AS = "moderation-raccourcis";

function kept() {
  try {
    return localStorage.getItem(KEPT_AS) !== "non";
  } catch {
    return true; // a browser that keeps nothing
  }
}

function keep(on) {
  try {
    localStorage.setItem(KEPT_AS, on ? "oui" : "non");
  } catch {
    // until the page is left
  }
}

// From one item of the queue to another; from elsewhere, to the first.
function move(step) {
  const items = [...document.querySelectorAll(".queue a")];
  const here = items.indexOf(document.activeElement.closest(".queue li")?.querySelector("a"));
  const next = items[here < 0 ? 0 : here + step];
  next?.focus();
  return Boolean(next);
}

// Nothing is sent by one key: what is left to do is to press Enter on the button.
function accept() {
  const choices = document.querySelectorAll("input[type=radio][value=accepter]");
  for (const choice of choices) choice.checked = true;
  if (choices.length) box.querySelector("[role=status]").textContent = box.dataset.accepted;
  return go("[data-accept]");
}

function go(selector) {
  const part = document.querySelector(selector);
  part?.focus();
  return Boolean(part);
}

function tick() {
  const mark = document.activeElement.closest(".queue li")?.querySelector("[type=checkbox]");
  mark?.click();
  return Boolean(mark);
}

function follow(selector) {
  const link = document.querySelector(selector);
  link?.click();
  return Boolean(link);
}

function help() {
  box.open = !box.open;
  box.querySelector("summary").focus();
  return true;
}

const ACTS = {
  j: () => move(1),
  k: () => move(-1),
  // Arrows scroll the page, but in the queue.
  ArrowDown: () => document.activeElement.closest(".queue") && move(1),
  ArrowUp: () => document.activeElement.closest(".queue") && move(-1),
  x: tick,
  a: accept,
  r: () => go("[name=usual]"),
  s: (held) => !held && follow("[data-next]"), // one at a time, however long it is pressed
  "?": help,
};

document.addEventListener("keydown", (event) => {
  if (!control.checked || event.defaultPrevented || event.isComposing) return;
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest(TYPED_IN)) return;
  if (Object.hasOwn(ACTS, event.key) && ACTS[event.key](event.repeat)) event.preventDefault();
});

control.checked = kept();
control.addEventListener("change", () => keep(control.checked));
box.hidden = false;

// Comforts only: every page works without this file.
"use strict";

// --- Suggestions while typing: the combobox with listbox of the ARIA Authoring Practices ---------

const DELAY = 160; // milliseconds without a key before asking
const SHORTEST = 2; // characters

function enhance(input) {
  if (input.getAttribute("role") === "combobox") return;
  const box = document.createElement("div");
  const list = document.createElement("ul");
  const status = document.createElement("p");
  let timer, asking, active = -1, options = [];

  box.className = "combo";
  list.id = input.id + "-suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.dataset.label);
  status.className = "sr";
  status.setAttribute("role", "status");
  const focused = document.activeElement === input;
  input.replaceWith(box);
  box.append(input, list, status);
  if (focused) input.focus();
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"],
    ["aria-controls", list.id], ["aria-expanded", "false"]]) input.setAttribute(name, value);

  function close() {
    clearTimeout(timer);
    asking?.abort();
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    move(-1);
  }

  function move(index) {
    options[active]?.setAttribute("aria-selected", "false");
    active = index;
    const option = options[active];
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function show(suggestions) {
    move(-1);
    options = suggestions.map(({ label, kind, url, fill }, index) => {
      const option = document.createElement("li");
      const hint = document.createElement("span");
      option.id = `${list.id}-${index}`;
      option.dataset.url = url;
      option.dataset.fill = fill ? label : "";
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      hint.textContent = kind;
      option.append(label, " ", hint);
      return option;
    });
    list.replaceChildren(...options);
    list.hidden = !options.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    status.textContent = options.length
      ? `${input.dataset.count} ${options.length}` : input.dataset.none;
  }

  // A product or service is searched for with what else the form holds; the rest has its own page.
  function choose(option) {
    if (!option.dataset.fill) return location.assign(option.dataset.url);
    input.value = option.dataset.fill;
    close();
    input.form.requestSubmit();
  }

  async function ask() {
    const text = input.value.trim();
    asking?.abort();
    if (text.length < SHORTEST) return close();
    asking = new AbortController();
    try {
      const url = `${input.dataset.suggestions}?${new URLSearchParams({ q: text })}`;
      const answer = await fetch(url, { signal: asking.signal });
      if (!answer.ok) return close();
      const { suggestions } = await answer.json();
      if (document.activeElement === input) show(suggestions);
    } catch {
      // Aborted or offline: the form still works.
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, DELAY);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const last = options.length - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) return void ask();
      const step = event.key === "ArrowDown" ? 1 : -1;
      move(active + step > last ? 0 : active + step < 0 ? last : active + step);
    } else if (event.key === "Enter") {
      const option = !list.hidden && options[active];
      if (option) {
        event.preventDefault();
        choose(option);
      }
      close();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "Tab") {
      close();
    }
  });
  input.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
}

function enhanceAll() {
  document.querySelectorAll("[data-suggestions]").forEach(enhance);
}

// --- Addresses without empty parameters ----------------------------------------------------------

document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) {
    if (value === "") event.formData.delete(name);
  }
  if (!event.formData.has("pres")) event.formData.delete("rayon"); // a radius around nowhere
});

// --- Results swapped in place --------------------------------------------------------------------

let opened = []; // the groups of filters that the reader had opened

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "resultats") return;
  opened = [...document.querySelectorAll("#resultats details[id][open]")].map(({ id }) => id);
});

document.addEventListener("htmx:afterSettle", () => {
  const results = document.getElementById("resultats");
  if (!results) return;
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  opened = [];
  enhanceAll();
  if (document.activeElement === document.body) document.getElementById("titre").focus();
  document.getElementById("annonce").textContent = results.dataset.total;
});

for (const name of ["htmx:responseError", "htmx:sendError"]) {
  // The page that explains what went wrong is worth more than a page that does not move.
  document.addEventListener(name, ({ detail }) => location.assign(detail.pathInfo.finalRequestPath));
}

document.addEventListener("click", (event) => {
  if (event.target.closest(".to-list")) document.getElementById("filtres").open = false;
});

// --- From a profile, back to the same results ----------------------------------------------------

const back = document.querySelector("[data-back]");
if (back && document.referrer.startsWith(back.href)) {
  const from = new URL(document.referrer);
  if (["?", "carte/"].some((more) => from.href.startsWith(back.href + more))) {
    back.href = from.href;
    back.textContent = back.dataset.back;
  }
}

enhanceAll();

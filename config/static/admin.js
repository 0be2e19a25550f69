// Names that Django's administration leaves unsaid to screen readers.
"use strict";

// A row of an inline table is named by its column headers, which its fields do not refer to.
function nameInlineFields(row) {
  const headers = row.closest("table").querySelectorAll("thead th");
  [...row.cells].forEach((cell) => {
    const header = headers[cell.cellIndex]?.textContent.trim();
    if (!header) return;
    for (const field of cell.querySelectorAll("input:not([type=hidden]), select, textarea")) {
      if (!field.labels?.length && !field.hasAttribute("aria-label")) {
        field.setAttribute("aria-label", header);
      }
    }
  });
}

// The box that select2 puts in place of a list takes the name of that list.
function nameSelect2(box) {
  const list = box.previousElementSibling;
  const name = list?.getAttribute("aria-label") || list?.labels?.[0]?.textContent.trim().replace(/\s*:$/, "");
  if (!name) return;
  for (const part of box.querySelectorAll("[role=combobox], [role=searchbox], [role=textbox], input")) {
    part.setAttribute("aria-label", name);
    part.removeAttribute("aria-labelledby");
  }
}

// The lens before the search box of a double list is named, which takes a role.
function tellHelp(icon) {
  icon.setAttribute("role", "img");
}

function nameAll(root) {
  root.querySelectorAll("span.help-tooltip[aria-label]").forEach(tellHelp);
  root.querySelectorAll(".tabular tr.form-row").forEach(nameInlineFields);
  root.querySelectorAll(".select2-container").forEach(nameSelect2);
}

document.addEventListener("DOMContentLoaded", () => {
  nameAll(document);
  // An open box says what list it commands in an attribute that is no longer the one for it.
  window.django?.jQuery(document).on("select2:open", ({ target }) => {
    const box = target.nextElementSibling.querySelector("[role=combobox]");
    if (box?.hasAttribute("aria-owns")) box.setAttribute("aria-controls", box.getAttribute("aria-owns"));
    document.querySelector(".select2-dropdown .select2-search__field")
      ?.setAttribute("aria-label", box?.getAttribute("aria-label") || "");
  });
  // What the menu is searched for may be in a group that is folded.
  document.getElementById("nav-filter")?.addEventListener("input", ({ target }) => {
    if (target.value) document.querySelectorAll("#nav-sidebar details").forEach((group) => { group.open = true; });
  });
  // select2 draws its boxes late, and each row that is added brings new fields.
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (node.nodeType === Node.ELEMENT_NODE) nameAll(node.parentElement);
      }
    }
  }).observe(document.body, { childList: true, subtree: true });
});

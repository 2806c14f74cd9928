"use strict";
// The dress (light or dark), the search box and the lines of the map. Nothing is loaded, nothing is sent.
(() => {
  const root = document.documentElement;
  const KEY = "theodolite-dress";
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const kept = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const keep = (dress) => { try { localStorage.setItem(KEY, dress); } catch { /* a browser that keeps nothing */ } };
  const worn = () => root.dataset.dress || (dark.matches ? "dark" : "light");
  if (["light", "dark"].includes(kept())) root.dataset.dress = kept();

  const dressing = () => {
    const button = document.getElementById("dress");
    const say = () => {
      const other = worn() === "dark" ? "light" : "dark";
      button.setAttribute("aria-label", `Show the page in ${other} colours`);
      button.title = `In ${other} colours`;
    };
    button.addEventListener("click", () => {
      root.dataset.dress = worn() === "dark" ? "light" : "dark";
      keep(root.dataset.dress);
      say();
    });
    dark.addEventListener("change", say);
    say();
    button.hidden = false;
  };

  // small letters without accents
  const folded = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replace(/’/g, "'").toLowerCase();

  // how well an entry answers: all words must occur; better at the start of the title, then of a word, then anywhere
  const rank = (entry, words) => {
    let points = 0;
    for (const word of words) {
      const at = entry.title.indexOf(word);
      if (at === 0) points += 8;
      else if (at > 0 && !/[a-z0-9]/.test(entry.title[at - 1])) points += 5;
      else if (at > 0) points += 2;
      else if (entry.more.includes(word)) points += entry.more.split(" ").includes(word) ? 6 : 1;
      else return 0;
    }
    return points + (entry.kind === "claim" ? 0 : 1);
  };

  const searching = () => {
    const box = document.querySelector(".find");
    const input = document.getElementById("find");
    const list = document.getElementById("finds");
    const status = document.getElementById("found");
    const entries = JSON.parse(document.getElementById("all").textContent).map(([kind, title, more, page]) => ({
      kind, shown: title, note: more, page: box.dataset.root + page, title: folded(title), more: folded(more),
    }));
    let found = [];
    let chosen = -1;

    const choose = (position) => {
      chosen = position;
      [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === chosen)));
      if (chosen < 0) { input.removeAttribute("aria-activedescendant"); return; }
      input.setAttribute("aria-activedescendant", list.children[chosen].id);
      list.children[chosen].scrollIntoView({ block: "nearest" });
    };
    const show = (open) => {
      list.hidden = !open;
      input.setAttribute("aria-expanded", String(open));
      if (!open) choose(-1);
    };
    const go = (entry) => {
      show(false);
      input.value = "";
      location.href = entry.page;
    };
    const search = () => {
      const words = folded(input.value).split(/\s+/).filter(Boolean);
      found = !words.length ? [] : entries
        .map((entry, order) => ({ entry, order, points: rank(entry, words) }))
        .filter((one) => one.points)
        .sort((a, b) => b.points - a.points || a.order - b.order)
        .slice(0, 10)
        .map((one) => one.entry);
      list.replaceChildren(...found.map((entry, i) => {
        const item = document.createElement("li");
        const small = document.createElement("small");
        item.id = `find-${i}`;
        item.setAttribute("role", "option");
        item.append(entry.shown);
        small.textContent = entry.note ? `${entry.kind} · ${entry.note}` : entry.kind;
        item.append(small);
        item.addEventListener("mousedown", (event) => { event.preventDefault(); go(entry); });
        return item;
      }));
      status.textContent = !words.length ? "" : found.length === 1 ? "1 found" : `${found.length} found`;
      show(found.length > 0);
      if (found.length) choose(0);
    };
    const keys = {
      ArrowDown: () => { if (list.hidden) search(); else choose((chosen + 1) % found.length); },
      ArrowUp: () => { if (!list.hidden) choose((chosen + found.length - 1) % found.length); },
      Enter: () => { if (!list.hidden && chosen >= 0) go(found[chosen]); },
      Escape: () => { if (list.hidden) input.blur(); else show(false); },
    };
    input.addEventListener("input", search);
    input.addEventListener("blur", () => show(false));
    input.addEventListener("keydown", (event) => {
      if (event.isComposing || !keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, textarea, select, [contenteditable]");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.focus();
      input.select();
    });
    box.hidden = false;
  };

  const lighting = () => {
    const map = document.querySelector("svg.map");
    if (!map) return;
    const ties = map.querySelector(".ties");
    const light = (node) => {
      const near = new Set([node]);
      for (const path of ties.children) {
        const ends = path.dataset.ends.split(" ");
        const on = ends.includes(node);
        path.classList.toggle("lit", on);
        if (on) ends.forEach((end) => near.add(end));
      }
      ties.classList.toggle("dim", Boolean(node));
      for (const link of map.querySelectorAll("a")) link.classList.toggle("lit", near.has(link.dataset.node));
    };
    const from = (event) => { const link = event.target.closest("a"); light(link ? link.dataset.node : ""); };
    for (const kind of ["mouseover", "focusin"]) map.addEventListener(kind, from);
    for (const kind of ["mouseleave", "focusout"]) map.addEventListener(kind, () => light(""));
  };

  document.addEventListener("DOMContentLoaded", () => { dressing(); searching(); lighting(); });
})();

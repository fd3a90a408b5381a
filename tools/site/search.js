// The search of the site: looks through window.hoopai_index, which search_index.js sets. No server is needed.
"use strict";

(function () {
  const box = document.querySelector(".search");
  const input = box.querySelector("input");
  const list = box.querySelector(".found");
  const MOST = 12;

  // Each entry: [title, title of the page, address, words].
  const entries = window.hoopai_index.map(([title, page, address, words]) => ({
    title, page, address, words,
    lowTitle: title.toLowerCase(), lowPage: page.toLowerCase(), lowWords: words.toLowerCase(),
  }));

  // How well an entry has a word; 0 if it has not.
  function score(entry, word) {
    if (entry.lowTitle === word || entry.lowTitle.endsWith(":" + word)) return 100;
    if (entry.lowTitle.startsWith(word)) return 40;
    if (entry.lowTitle.includes(word)) return 20;
    if (entry.lowPage.includes(word)) return 8;
    const at = entry.lowWords.indexOf(word);
    if (at < 0) return 0;
    return at < 200 ? 4 : 2;
  }

  function find(query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return [];
    const phrase = words.join(" ");
    const found = [];
    for (const entry of entries) {
      const scores = words.map((word) => score(entry, word));
      const bonus = words.length > 1 && entry.lowTitle.includes(phrase) ? 50 : 0;
      if (scores.every(Boolean)) found.push({ entry, score: scores.reduce((a, b) => a + b, bonus) });
    }
    found.sort((a, b) => b.score - a.score);
    return found.slice(0, MOST).map((one) => one.entry);
  }

  // The words around the first one that was looked for.
  function excerpt(entry, query) {
    const word = query.toLowerCase().split(/\s+/).filter(Boolean)[0];
    const at = Math.max(0, entry.lowWords.indexOf(word));
    const from = at > 40 ? entry.words.indexOf(" ", at - 40) + 1 : 0;
    return (from > 0 ? "… " : "") + entry.words.slice(from, from + 110);
  }

  function show() {
    const query = input.value.trim();
    const found = find(query);
    list.replaceChildren();
    list.hidden = query === "";
    for (const entry of found) {
      const link = document.createElement("a");
      link.href = entry.address;
      const title = document.createElement("b");
      title.textContent = entry.title;
      const page = document.createElement("span");
      page.textContent = entry.page === entry.title ? "" : entry.page;
      const words = document.createElement("small");
      words.textContent = excerpt(entry, query);
      link.append(title, " ", page, words);
      const item = document.createElement("li");
      item.append(link);
      list.append(item);
    }
    if (query !== "" && found.length === 0) {
      const item = document.createElement("li");
      item.className = "nothing";
      item.textContent = "Nothing found";
      list.append(item);
    }
  }

  // The arrow keys move between the field and the results.
  function move(step) {
    const places = [input, ...list.querySelectorAll("a")];
    const next = places[places.indexOf(document.activeElement) + step];
    if (next) next.focus();
  }

  box.hidden = false;
  input.addEventListener("input", show);
  input.addEventListener("focus", show);
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && document.activeElement === input) {
      const first = list.querySelector("a");
      if (first) first.click();
    } else if (event.key === "Escape") {
      list.hidden = true;
      input.focus();
    }
  });
  list.addEventListener("click", () => { list.hidden = true; });
  document.addEventListener("click", (event) => {
    if (!box.contains(event.target)) list.hidden = true;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      input.focus();
    }
  });

  // The list of pages is always open where there is room beside the text.
  const menu = document.querySelector(".menu");
  const wide = window.matchMedia("(min-width: 60rem)");
  function fit() { menu.open = wide.matches; }
  wide.addEventListener("change", fit);
  fit();
  // The list of pages shows the place of this one.
  const here = menu.querySelector("[aria-current]");
  if (here && wide.matches) menu.scrollTop = here.offsetTop - menu.offsetTop - menu.clientHeight / 2;
})();

// Pages that are broken on purpose: the check must find what is wrong with each, and nothing in a good one.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "./check.mjs";

const SEARCH = `<div class="search"><input placeholder="Search"><ul class="found"></ul></div><script>
  window.hoopai_index = [["book", "page", "index.html#book", "words"]];
  document.querySelector("input").addEventListener("input", (event) => {
    document.querySelector(".found").innerHTML =
      event.target.value === "book" ? '<li><a href="index.html#book"><b>book</b></a></li>' : "";
  });
</script>`;

function page(parts) {
  const { title = "A title", head = "", body = "", search = SEARCH } = parts;
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>
    <meta name="viewport" content="width=device-width"><style>
    :root { color-scheme: light dark } body { margin: 0; background: #fff; color: #222 }
    @media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } a { color: #9cf } }
    input { color: #000; background: #fff } input::placeholder { color: #555; opacity: 1 }
    </style>${head}</head><body>${search}<main><h1 id="book">Book</h1>${body}</main></body></html>`;
}

// Name of the fault -> [parts of the page, what must be reported, of which checks].
const FAULTS = {
  "a page that is too wide": [{ body: '<div style="width:500px">x</div>' }, /wider than the page/, /360/],
  "a table that leaves its column": [
    { head: "<style>main { max-width: 300px }</style>", body: '<table style="width:340px"><tr><td>x</table>' },
    /leaves its column/, /1400/],
  "text that is cut off": [
    { body: '<div style="width:50px;overflow:hidden;white-space:nowrap">many words in a row</div>' }, /cut off/, /360/],
  "code that does not scroll": [{ body: `<pre>${"x".repeat(400)}</pre>` }, /the page is \d+ wide/, /1400/],
  "fields that have to be scrolled": [
    { body: '<div style="overflow-x:auto"><table class="fields" style="width:600px"><tr><td>x</table></div>' },
    /fields that have to be scrolled/, /360/],
  "faint text": [{ body: '<p style="color:#999;background:#fff">x</p>' }, /contrast 2\.85 below 4\.5/, /light/],
  "faint text in the dark alone": [
    { head: "<style>@media (prefers-color-scheme: dark) { p { color: #333 } }</style>", body: "<p>x</p>" },
    /contrast 1\.\d+ below/, /dark/],
  "text that is faint by its opacity": [{ body: '<p style="opacity:0.4">x</p>' }, /contrast/, /light/],
  "a page without a title": [{ title: "" }, /no title/, /360/],
  "a page without a heading": [{ body: "<h1>Second</h1>" }, /2 headings/, /360/],
  "an id that is there twice": [{ body: '<p id="book">x</p>' }, /twice/, /360/],
  "a dead link": [{ body: '<a href="nowhere.html">x</a>' }, /dead link: nowhere\.html/, /links/],
  "a dead anchor": [{ body: '<a href="index.html#nowhere">x</a>' }, /dead anchor: index\.html#nowhere/, /links/],
  "a file from elsewhere": [
    { head: '<link rel="stylesheet" href="https://host.invalid/style.css">' }, /is fetched from elsewhere/, /links/],
  "a script that raises": [{ body: '<script>throw new Error("broken script")</script>' }, /broken script/, /360/],
  "no search": [{ search: "" }, /the search fails: .*there is no search/, /search/],
  "a search that finds nothing": [{ search: SEARCH.replace('=== "book"', '=== "x"') }, /finds nothing/, /search/],
  "a search that leads nowhere": [
    { search: SEARCH.replace('"index.html#book", "words"', '"gone.html", "words"') },
    /in the index of the search, dead link: gone\.html/, /search/],
};

// Returns a list of { name, problems }, as the check itself does.
export async function selfCheck(browser) {
  const results = [];
  async function judge(name, parts, decide) {
    const folder = mkdtempSync(join(tmpdir(), "docs-check-"));
    try {
      writeFileSync(join(folder, "index.html"), page(parts));
      const found = await check(browser, { folder, wanted: { book: "book" } });
      results.push({ name: `the check itself: ${name}`, problems: decide(found) });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  await judge("a good page", { body: '<p>x <a href="index.html#book">y</a></p>' },
    (found) => found.flatMap((one) => one.problems.map((problem) => `${one.name}: ${problem}`)));
  for (const [name, [parts, report, where]] of Object.entries(FAULTS)) {
    await judge(name, parts, (found) => {
      const isFound = found.some((one) => where.test(one.name) && one.problems.some((problem) => report.test(problem)));
      return isFound ? [] : [`not reported; the report is ${JSON.stringify(found.filter((one) => one.problems.length))}`];
    });
  }
  return results;
}

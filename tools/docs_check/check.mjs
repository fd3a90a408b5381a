// Checks a folder of pages with a browser and returns the problems: see `check`.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { join, resolve } from "node:path";

const WIDTHS = [360, 1400];
const SCHEMES = ["light", "dark"];
const IN_PAGE = readFileSync(fileURLToPath(new URL("in_page.js", import.meta.url)), "utf8");

async function evaluate(browser, expression) {
  const { result, exceptionDetails } = await browser.send("Runtime.evaluate",
    { expression, returnByValue: true, awaitPromise: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description || exceptionDetails.text);
  return result.value;
}

function setWidth(browser, width) {
  return browser.send("Emulation.setDeviceMetricsOverride", { width, height: 900, deviceScaleFactor: 1, mobile: false });
}

function setScheme(browser, scheme) {
  return browser.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
}

// Opens a page and waits until it is loaded.
async function open(browser, path) {
  const loaded = new Promise((done) => { browser.loaded = done; });
  await browser.send("Page.navigate", { url: pathToFileURL(path).href });
  await loaded;
}

// The links of the page that is open, and the names that links can lead to.
const COLLECT = `({
  links: [...document.querySelectorAll("a[href], link[href], script[src], img[src]")].map((element) => ({
    target: element.getAttribute("href") || element.getAttribute("src"),
    isPart: element.localName !== "a",
  })),
  anchors: [...document.querySelectorAll("[id]")].map((element) => element.id),
})`;

// What is wrong with a link; undefined for a good one. `pages` has the anchors of each page.
function linkProblem(pages, files, from, { target, isPart }) {
  if (/^[a-z]+:/i.test(target)) return isPart ? `${target} is fetched from elsewhere` : undefined;
  const [file, anchor] = target.split("#");
  const page = decodeURIComponent(file) || from;
  if (!files.has(page)) return `dead link: ${target}`;
  if (anchor && !(pages[page] || []).includes(decodeURIComponent(anchor))) return `dead anchor: ${target}`;
}

// Searches as a reader does: the results for a text, as [title, address].
async function search(browser, text) {
  return evaluate(browser, `(() => {
    const input = document.querySelector(".search input");
    if (!input || document.querySelector(".search").hidden) throw new Error("there is no search");
    input.value = ${JSON.stringify(text)};
    input.dispatchEvent(new Event("input"));
    const found = [...document.querySelectorAll(".found a")];
    return found.map((link) => [link.querySelector("b").textContent, link.getAttribute("href")]);
  })()`);
}

// The search finds each of `wanted` (text -> title that must be the first result), leads to what is there, and does not
// find what is not.
async function searchProblems(browser, site, pages, files) {
  const problems = [];
  for (const [text, title] of Object.entries(site.wanted)) {
    const found = await search(browser, text);
    if (!found.length || found[0][0] !== title) {
      problems.push(`the search for "${text}" finds ${found.length ? `"${found[0][0]}"` : "nothing"}, not "${title}"`);
    }
    // The list of results is on the page now: it must fit too.
    problems.push(...(await evaluate(browser, `(${IN_PAGE})()`)).map((problem) => `with results, ${problem}`));
  }
  if ((await search(browser, "qqxzv")).length) problems.push("the search finds what is not there");
  const targets = await evaluate(browser, "window.hoopai_index.map((entry) => entry[2])");
  for (const target of targets) {
    const problem = linkProblem(pages, files, "", { target });
    if (problem) problems.push(`in the index of the search, ${problem}`);
  }
  if (targets.length === 0) problems.push("the index of the search is empty");
  return problems;
}

// Checks all pages of a folder at all widths and in both colour schemes.
// `site`: { folder, wanted }. Returns a list of { name, problems }, one for each page, width and scheme, and for the
// links and the search of all of them.
export async function check(browser, site) {
  const folder = resolve(site.folder);
  const files = new Set(readdirSync(folder));
  const names = [...files].filter((name) => name.endsWith(".html")).sort();
  const pages = {};
  const links = {};
  const results = [];
  let noise = [];
  browser.on("Page.loadEventFired", () => browser.loaded && browser.loaded());
  browser.on("Runtime.exceptionThrown", ({ exceptionDetails }) => {
    noise.push(exceptionDetails.exception?.description || exceptionDetails.text);
  });
  browser.on("Log.entryAdded", ({ entry }) => noise.push(`${entry.text} ${entry.url || ""}`));
  for (const domain of ["Page", "Runtime", "Log"]) await browser.send(`${domain}.enable`);

  for (const name of names) {
    await setWidth(browser, WIDTHS[0]);
    noise = [];
    await open(browser, join(folder, name));
    const { links: found, anchors } = await evaluate(browser, COLLECT);
    pages[name] = anchors;
    links[name] = found;
    for (const width of WIDTHS) {
      await setWidth(browser, width);
      for (const scheme of SCHEMES) {
        await setScheme(browser, scheme);
        const problems = await evaluate(browser, `(${IN_PAGE})()`);
        results.push({ name: `${name}, ${width} pixels, ${scheme}`, problems: [...problems, ...noise] });
        noise = [];
      }
    }
  }
  for (const name of names) {
    const problems = links[name].map((link) => linkProblem(pages, files, name, link)).filter(Boolean);
    results.push({ name: `${name}, links`, problems });
  }
  for (const width of WIDTHS) {
    await setWidth(browser, width);
    for (const scheme of SCHEMES) {
      await setScheme(browser, scheme);
      await open(browser, join(folder, names.includes("index.html") ? "index.html" : names[0]));
      let problems;
      try {
        problems = await searchProblems(browser, site, pages, files);
      } catch (problem) {
        problems = [`the search fails: ${problem.message}`];
      }
      results.push({ name: `search, ${width} pixels, ${scheme}`, problems });
    }
  }
  return results;
}

// A picture of a page, from an anchor on if there is one, as the bytes of a PNG.
export async function picture(browser, path, width, scheme, anchor) {
  if (!browser.loaded) {
    browser.on("Page.loadEventFired", () => browser.loaded());
    await browser.send("Page.enable");
  }
  await browser.send("Emulation.setDeviceMetricsOverride", { width, height: 1000, deviceScaleFactor: 1, mobile: false });
  await setScheme(browser, scheme);
  await open(browser, path);
  if (anchor) await evaluate(browser, `document.getElementById(${JSON.stringify(anchor)}).scrollIntoView()`);
  const { data } = await browser.send("Page.captureScreenshot", { format: "png" });
  return Buffer.from(data, "base64");
}

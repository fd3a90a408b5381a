// `make docs-check`: looks at all pages of build/docs/ in Chromium, at two widths, light and dark.
//
//   node tools/docs_check.mjs FOLDER                   the check of itself, then of the pages
//   node tools/docs_check.mjs FOLDER PICTURES PAGE...  pictures of pages, into the folder PICTURES
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { start } from "./docs_check/browser.mjs";
import { check, picture } from "./docs_check/check.mjs";
import { selfCheck } from "./docs_check/self_check.mjs";

// A text that readers look for -> the title of the first result.
const WANTED = {
  book: "appointments:book",
  free_slots: "calendars:free_slots",
  "slot_taken though": "slot_taken though it was free",
  reconciliation: "Reconciliation",
  luaopen_hoopai_core: "luaopen_hoopai_core",
};

const [folder, pictures, ...names] = process.argv.slice(2);
const browser = await start();
let failed = 0;
try {
  if (pictures) {
    mkdirSync(pictures, { recursive: true });
    for (const name of names) {
      for (const width of [360, 1400]) {
        for (const scheme of ["light", "dark"]) {
          const [page, anchor] = name.split("#");
          const path = join(folder, `${page}.html`);
          const data = await picture(browser, path, width, scheme, anchor);
          writeFileSync(join(pictures, `${name.replace(/[#:]/g, "-")}-${width}-${scheme}.png`), data);
        }
      }
    }
  } else {
    const results = [...await selfCheck(browser), ...await check(browser, { folder, wanted: WANTED })];
    for (const { name, problems } of results) {
      if (problems.length === 0) continue;
      failed++;
      console.log(`${name}:`);
      for (const problem of problems) console.log(`  ${problem}`);
    }
    console.log(`${results.length - failed} passed, ${failed} failed`);
  }
} finally {
  await browser.close();
}
process.exit(failed ? 1 : 0);

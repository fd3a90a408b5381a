// Formats Lua files with StyLua, or checks that they are formatted:
//
//     node tools/stylua.mjs FOLDER [--check] FILE...
//
// FOLDER is where npm installed @johnnymorganz/stylua, a WebAssembly library without a command: see .ci/stylua.
// With --check no file is written: each file that is not formatted is printed with the first line that differs, and
// the exit status is 1. The exit status is also 1 after a file that StyLua cannot parse.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [folder, ...rest] = process.argv.slice(2);
const checking = rest[0] === "--check";
const files = checking ? rest.slice(1) : rest;
const stylua = createRequire(resolve(folder, "package.json"))("@johnnymorganz/stylua");

const MOST_PASSES = 8;

// formatCode() frees the configuration, so each call gets its own.
function configuration() {
  const config = stylua.Config.new();
  config.syntax = stylua.LuaVersion.Lua54;
  config.column_width = 120;
  config.indent_type = stylua.IndentType.Spaces;
  config.indent_width = 2;
  config.line_endings = stylua.LineEndings.Unix;
  config.quote_style = stylua.QuoteStyle.AutoPreferDouble;
  config.call_parentheses = stylua.CallParenType.Input;
  config.collapse_simple_statement = stylua.CollapseSimpleStatement.Always;
  return config;
}

// Formats until nothing changes: StyLua changes some of its own results when it formats them again. Its verification is
// off, since it panics on hexadecimal integers above math.maxinteger.
function format(text) {
  for (let passes = 0; passes < MOST_PASSES; passes += 1) {
    const formatted = stylua.formatCode(text, configuration(), undefined, stylua.OutputVerification.None);
    if (formatted === text) return formatted;
    text = formatted;
  }
  throw new Error(`StyLua still changes its result after ${MOST_PASSES} passes`);
}

function firstDifference(before, after) {
  const old = before.split("\n");
  const wanted = after.split("\n");
  let line = 0;
  while (old[line] === wanted[line]) line += 1;
  return `${line + 1}:\n  - ${old[line] ?? ""}\n  + ${wanted[line] ?? ""}`;
}

for (const file of files) {
  const text = readFileSync(file, "utf8");
  let formatted;
  try {
    formatted = format(text);
  } catch (problem) {
    console.error(`${file}: ${problem}`);
    process.exitCode = 1;
    continue;
  }
  if (formatted === text) continue;
  if (checking) {
    console.error(`${file}:${firstDifference(text, formatted)}`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, formatted);
  }
}

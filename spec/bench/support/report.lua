--- What the benchmarks print: tables, a chart, and the targets with what was measured.
local machine = require "spec.bench.support.machine"

local format, rep = string.format, string.rep
local max = math.max

local report = {}

local function commas(number)
  local text = format("%.0f", number):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

--- Columns as wide as they need to be; the first is flush left, the others flush right.
local function print_table(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for index, cell in ipairs(row) do
      widths[index] = max(widths[index] or 0, utf8.len(cell))
    end
  end
  for _, row in ipairs(rows) do
    local cells = {}
    for index, cell in ipairs(row) do
      local blank = rep(" ", widths[index] - utf8.len(cell))
      cells[index] = index == 1 and cell .. blank or blank .. cell
    end
    print((table.concat(cells, "  "):gsub("%s+$", "")))
  end
  print()
end

--- One row for each client, two cells for each case: the figure of that name, and its ratio to what `base` gives.
local function print_figures(title, results, name, factor, base)
  local rows = { { title } }
  for _, case in ipairs(results.cases) do
    if not case.hidden then
      table.insert(rows[1], case.title)
      table.insert(rows[1], "×")
    end
  end
  for _, client in ipairs(results.clients) do
    local row = { client.title }
    for _, case in ipairs(results.cases) do
      if not case.hidden then
        local found = results:get(case.id, client.id)
        local value, reference = found and found[name], base(case)
        row[#row + 1] = value and commas(value * factor) .. (found.disturbed and "~" or "") or "–"
        row[#row + 1] = value and reference and format("%.2f", value / reference) or ""
      end
    end
    rows[#rows + 1] = row
  end
  print_table(rows)
end

local function print_chart(results)
  local fastest = 0
  for _, client in ipairs(results.clients) do
    local found = results:get("small-c32", client.id)
    fastest = max(fastest, found and found.rps or 0)
  end
  if fastest == 0 then return end
  print("small bodies, 32 at a time, requests/s")
  for _, client in ipairs(results.clients) do
    local found = results:get("small-c32", client.id)
    if found then
      print(format("  %-27s %s %s", client.title, rep("█", max(1, found.rps / fastest * 50 // 1)), commas(found.rps)))
    end
  end
  print()
end

--- Prints all that was measured.
-- @tparam table results see spec/bench/http_bench.lua
function report.print(results)
  local function figure(id, name)
    return function(case)
      local found = results:get(case.id, id)
      return found and found[name]
    end
  end
  local function bound(name)
    return function(case) return results:bound(case.id, name) end
  end
  print(
    format(
      "\n%s, libcurl %s; %d rounds of %g s, medians",
      machine.describe(),
      results.libcurl,
      results.rounds,
      results.seconds
    )
  )
  print(
    format(
      "other programs took %.0f%% of a core (~ = more than %.0f%% while that was measured)\n",
      results.foreign * 100,
      results.tolerance * 100
    )
  )
  print_figures("requests/s (× raw C)", results, "rps", 1, figure("raw", "rps"))
  print_figures("client CPU, us per request (× raw C + cjson)", results, "cpu", 1e6, bound "cpu")
  print_figures("p50, us (× raw C + cjson)", results, "p50", 1, bound "p50")
  print_figures("p99, us (× raw C)", results, "p99", 1, figure("raw", "p99"))
  print_figures("peak memory, KB (× raw C)", results, "rss", 1, figure("raw", "rss"))
  print_chart(results)
  local rows = { { "one process, one call", "ms", "CPU ms", "KB" } }
  for _, found in ipairs(results.starts) do
    rows[#rows + 1] =
      { found.title, format("%.1f", found.wall * 1e3), format("%.1f", found.cpu * 1e3), commas(found.rss) }
  end
  print_table(rows)
  rows = { { "instructions per request", "" } }
  for _, found in ipairs(results.instructions) do
    rows[#rows + 1] = { found.title, commas(found.count) }
  end
  print_table(rows)
  for _, absent in ipairs(results.absent) do
    print(format("absent: %s: %s", absent.title, absent.reason))
  end
end

--- How often 1,000 requests in flight cost what 32 do, in instructions of the library alone: libcurl's grow too.
local function own_growth(results)
  local function own(case)
    local ours, raw = results:count(case, "hoopai"), results:count(case, "raw-same")
    return ours and raw and ours - raw
  end
  local many, few = own "slow-c1000", own "small-c32"
  return many and few and many / few
end

--- KB of our own for each of 1,000 calls that wait.
local function own_memory(results)
  local function grown(id)
    local many, one = results:get("wait-1000", id), results:get("wait-1", id)
    return many and one and (many.rss - one.rss) / 999
  end
  return grown "hoopai" and grown "raw-same" and grown "hoopai" - grown "raw-same"
end

--- Peak memory of the large body over what libcurl and the decoder must have: raw C with the body, and what
-- cjson.decode makes of it.
local function large_memory(results)
  local ours, decode = results:get("large-c1", "hoopai"), results:get("large-c1", "cjson")
  local small, large = results:get("small-c1", "raw"), results:get("large-c1", "raw")
  return ours and decode and small and large and ours.rss / (decode.rss + large.rss - small.rss)
end

--- Each target: its name, what it is measured in, the limit, whether that is the least or the most, and how it is
-- measured. nil = that cannot be said. Before version 8.1 of libcurl an easy handle costs more to use again.
local function targets_of(results)
  local is_old = not results.libcurl:match "^8%.[1-9]" and not results.libcurl:match "^[89]%d*%.%d%d"
  local own_limit = is_old and 65000 or 45000
  local function ratio(case, name, of, of_case)
    local ours, theirs = results:get(case, "hoopai"), results:get(of_case or case, of)
    return ours and theirs and ours[name] / theirs[name]
  end
  local function bound_ratio(case, name)
    local ours, bound = results:get(case, "hoopai"), results:bound(case, name)
    return ours and bound and ours[name] / bound
  end
  local function start_ratio(id, name, of)
    local ours, theirs = results.starts[id], results.starts[of]
    return ours and theirs and ours[name] / theirs[name]
  end
  local tls, start = results:get("tls-c1", "hoopai"), results.starts.hoopai
  return {
    { "small c32: requests/s / raw C", 0.70, "least", ratio("small-c32", "rps", "raw") },
    { "small c32: CPU / (raw C + cjson)", is_old and 1.35 or 1.25, "most", bound_ratio("small-c32", "cpu") },
    { "small c32: requests/s / the vendor's SDK", 8, "least", ratio("small-c32", "rps", "sdk") },
    { "small c32: requests/s / lua-http", 2.5, "least", ratio("small-c32", "rps", "lua-http") },
    { "small c1: p50 / (raw C + cjson)", 1.10, "most", bound_ratio("small-c1", "p50") },
    { "medium c32: CPU / (raw C + cjson)", 1.3, "most", bound_ratio("medium-c32", "cpu") },
    { "large c1: CPU / (raw C + cjson)", 1.05, "most", bound_ratio("large-c1", "cpu") },
    { "large c1: peak memory / (raw C's body + cjson)", 1.2, "most", large_memory(results) },
    { "50 ms c1000: requests/s / raw C", 0.90, "least", ratio("slow-c1000", "rps", "raw") },
    { "50 ms c1000: p99 / raw C", 1.5, "most", ratio("slow-c1000", "p99", "raw") },
    { "50 ms c1000: CPU / (raw C + cjson)", 1.45, "most", bound_ratio("slow-c1000", "cpu") },
    { "50 ms c1000: CPU / raw C with deferred epoll_ctl", 1.45, "most", ratio("slow-c1000", "cpu", "raw-epoll") },
    { "50 ms c1000: KB of our own per waiting call", 8, "most", own_memory(results) },
    { "50 ms c5000: requests/s / raw C", 0.90, "least", ratio("slow-c5000", "rps", "raw") },
    { "50 ms c5000: p99 / raw C", 1.5, "most", ratio("slow-c5000", "p99", "raw") },
    { "50 ms c5000: CPU / 1,000 in flight", 1.2, "most", ratio("slow-c5000", "cpu", "hoopai", "slow-c1000") },
    {
      "20,000 tasks: CPU / 1,000 tasks, 1,000 connections",
      1.2,
      "most",
      ratio("slow-tasks", "cpu", "hoopai", "slow-c1000"),
    },
    { "HTTP/2 c32: requests/s / raw C", 0.85, "least", ratio("h2-c32", "rps", "raw") },
    { "new TLS connection: CPU ms", 1.2, "most", tls and tls.cpu * 1e3 },
    { "own instructions, small c1", own_limit, "most", results:own("small-c1") },
    { "own instructions, small c32", own_limit, "most", results:own("small-c32") },
    { "own instructions at 1,000 in flight / at 32", 1.2, "most", own_growth(results) },
    { "start-up and one call: time / raw C", 1.6, "most", start_ratio("hoopai", "wall", "raw") },
    { "start-up and one call, MB", 13, "most", start and start.rss / 1024 },
    { 'require "hoopai": time / start-up and one call', 0.5, "most", start_ratio("require", "wall", "hoopai") },
  }
end

--- Prints the targets.
-- @treturn table name, target, measured and met of each
function report.targets(results)
  local list, rows = {}, { { "target", "", "measured", "" } }
  for _, target in ipairs(targets_of(results)) do
    local name, limit, kind, value = table.unpack(target, 1, 4)
    local met
    if value then met = kind == "least" and value >= limit or kind == "most" and value <= limit end
    local digits = limit >= 100 and "%.0f" or "%.2f"
    rows[#rows + 1] = {
      name,
      (kind == "least" and "≥ " or "≤ ") .. format("%g", limit),
      value and format(digits, value) or "–",
      met == nil and "not measured" or met and "met" or "MISSED",
    }
    list[#list + 1] = { name = name, target = limit, kind = kind, measured = value, met = met }
  end
  print_table(rows)
  return list
end

--- Prints this commit against another, both of the same run.
function report.compare(results)
  local rows = { { "this commit / the other", "requests/s", "CPU", "p50", "p99", "memory" } }
  for _, case in ipairs(results.cases) do
    local ours, base = results:get(case.id, "hoopai"), results:get(case.id, "base")
    if ours and base and not case.hidden then
      local row = { case.title }
      for _, name in ipairs { "rps", "cpu", "p50", "p99", "rss" } do
        row[#row + 1] = format("%.3f", ours[name] / base[name])
      end
      rows[#rows + 1] = row
    end
  end
  print_table(rows)
  rows = { { "instructions per request", "this", "the other", "×" } }
  for _, case in ipairs { "small-c1", "small-c32" } do
    local ours, base = results:count(case, "hoopai"), results:count(case, "base")
    if ours and base then rows[#rows + 1] = { case, commas(ours), commas(base), format("%.3f", ours / base) } end
  end
  print_table(rows)
end

--- The median, and the least and the most.
function report.median(values)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  return sorted[(#sorted - 1) // 2 + 1], sorted[1], sorted[#sorted]
end

return report

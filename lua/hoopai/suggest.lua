--- Finds the name somebody probably meant, for the "did you mean" of fields, options and methods.
local type, next, pairs = type, next, pairs
local byte, find, gsub, lower, sub = string.byte, string.find, string.gsub, string.lower, string.sub
local min, max = math.min, math.max
local sort = table.sort

-- Longer names are no typing mistakes, and the work grows with the square of the length.
local LONGEST = 64

-- `time_zone`, `TimeZone` and `time-zone` are one name in three habits of writing.
local function fold(name)
  return (gsub(lower(name), "[_%-%s]", ""))
end

-- Edits from a to b, where an edit inserts, drops or replaces a byte or swaps two neighbours (Damerau-Levenshtein,
-- each place edited once at most). Gives up with nil beyond `limit`.
local function distance(a, b, limit)
  local la, lb = #a, #b
  if la - lb > limit or lb - la > limit then return nil end
  local before, last, row = {}, {}, {}
  for j = 0, lb do last[j] = j end
  for i = 1, la do
    local ca = byte(a, i)
    row[0] = i
    local best = i
    for j = 1, lb do
      local cb = byte(b, j)
      local edits = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (ca == cb and 0 or 1))
      if i > 1 and j > 1 and ca == byte(b, j - 1) and byte(a, i - 1) == cb then
        edits = min(edits, before[j - 2] + 1)
      end
      row[j] = edits
      if edits < best then best = edits end
    end
    if best > limit then return nil end
    before, last, row = last, row, before
  end
  if last[lb] <= limit then return last[lb] end
end

-- Is `part` the first or the last words of a camelCase or snake_case name? `status` is that of `appointmentStatus`.
local function is_words_of(part, name)
  local text, size = lower(name), #part
  if size < 3 or size >= #name then return false end
  part = lower(part)
  if sub(text, 1, size) == part and find(name, "^[%u%d_]", size + 1) then return true end
  local start = #name - size + 1
  return sub(text, start) == part and (find(name, "^%u", start) or find(name, "^_", start - 1)) ~= nil
end

local function list_of(candidates)
  if candidates[1] ~= nil then return candidates end
  local names = {}
  for name in pairs(candidates) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  sort(names)
  return names
end

--- The candidate nearest to a name, or nil when none is near enough to be what was meant.
-- Letter case and the underscores of snake_case count for nothing; up to about one typing mistake in three letters is
-- forgiven; else the one candidate that begins or ends with the name as a word is taken (`status` for
-- `appointmentStatus`).
-- @tparam string name what was written
-- @tparam table candidates a list of names, or a table whose keys are the names
-- @treturn ?string one of the candidates
local function suggest(name, candidates)
  if type(name) ~= "string" or #name == 0 or #name > LONGEST or next(candidates) == nil then return nil end
  candidates = list_of(candidates)
  local folded, lowered = fold(name), lower(name)
  if folded == "" then return nil end
  local limit = max(1, min(3, #folded // 3))
  local best, best_edits, best_exact
  for i = 1, #candidates do
    local candidate = candidates[i]
    if type(candidate) == "string" and candidate ~= name and #candidate <= LONGEST then
      local other = fold(candidate)
      local edits = other == folded and 0 or distance(folded, other, limit)
      -- More than half of the letters must be right, or `id` would be taken for `is`.
      if edits and (edits == 0 or edits * 2 < min(#folded, #other)) then
        local exact = distance(lowered, lower(candidate), LONGEST) or LONGEST
        if not best or edits < best_edits or (edits == best_edits and exact < best_exact) then
          best, best_edits, best_exact = candidate, edits, exact
        end
      end
    end
  end
  if best then return best end
  for i = 1, #candidates do
    local candidate = candidates[i]
    if type(candidate) == "string" and #candidate <= LONGEST and is_words_of(name, candidate) then
      if best then return nil end
      best = candidate
    end
  end
  return best
end

return suggest

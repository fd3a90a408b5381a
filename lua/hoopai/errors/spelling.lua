--- Misspelt names: which name was probably meant.
local byte, find, gsub, lower, sub = string.byte, string.find, string.gsub, string.lower, string.sub
local ipairs, next, pairs, type = ipairs, next, pairs, type
local max, min, sort = math.max, math.min, table.sort

local spelling = {}

-- Longer names are no typing mistakes, and the edit distance takes time that grows with the square of the length.
local LONGEST = 64

--- Folds the spellings of one name: `time_zone`, `TimeZone` and `time-zone`.
-- @tparam string name
-- @treturn string the spelling without letter case, `_`, `-` and white space
function spelling.fold(name) return (gsub(lower(name), "[_%-%s]", "")) end

local fold = spelling.fold

--- Whether a text of words, separated by single spaces, has a word.
-- @tparam string words
-- @tparam string word
-- @treturn boolean
function spelling.has_word(words, word) return find(" " .. words .. " ", " " .. word .. " ", 1, true) ~= nil end

local has_word = spelling.has_word

-- Damerau-Levenshtein distance (optimal string alignment): a byte is inserted, dropped or replaced, or two neighbours
-- are swapped. Returns nil above `limit`.
local function edit_distance(a, b, limit)
  local la, lb = #a, #b
  if la - lb > limit or lb - la > limit then return nil end
  local before, last, row = {}, {}, {}
  for j = 0, lb do
    last[j] = j
  end
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

--- The names of candidates, in order.
-- @tparam table candidates a list of names, which is returned; or a table whose keys are the names
-- @treturn table
function spelling.list_of(candidates)
  if candidates[1] ~= nil then return candidates end
  local names = {}
  for name in pairs(candidates) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  sort(names)
  return names
end

-- What the ends of a window of time are called: in the API by the names of two endpoints, in other APIs by more.
local WINDOW = {
  "from start begin since startdate starttime startat",
  "to end until till finish stop enddate endtime endat",
}

-- The only candidate for the same end of a window, unless one of them has the name but for its spelling.
local function end_of_window(folded, candidates)
  for _, words in ipairs(WINDOW) do
    if has_word(words, folded) then
      local found
      for _, candidate in ipairs(candidates) do
        local other = type(candidate) == "string" and #candidate <= LONGEST and fold(candidate)
        if other == folded then return nil end
        if other and has_word(words, other) then
          if found then return nil end
          found = candidate
        end
      end
      return found
    end
  end
end

--- The candidate nearest to a misspelt name. Letter case, `_`, `-` and spaces are ignored, and about one typing mistake
-- in three letters is allowed. If no candidate is that near, the only one that begins or ends with the name as a word
-- is taken: `appointmentStatus` for `status`.
-- @tparam any name as it was written; only strings are near to a candidate
-- @tparam table candidates a list of names, or a table whose keys are the names
-- @treturn ?string one of the candidates, nil if none is near
function spelling.suggest(name, candidates)
  if type(name) ~= "string" or #name == 0 or #name > LONGEST or next(candidates) == nil then return nil end
  candidates = spelling.list_of(candidates)
  local folded, lowered = fold(name), lower(name)
  if folded == "" then return nil end
  local twin = end_of_window(folded, candidates)
  if twin then return twin end
  local limit = max(1, min(3, #folded // 3))
  local best, best_edits, best_exact
  for i = 1, #candidates do
    local candidate = candidates[i]
    if type(candidate) == "string" and candidate ~= name and #candidate <= LONGEST then
      local other = fold(candidate)
      local edits = other == folded and 0 or edit_distance(folded, other, limit)
      -- More than half of the letters must be right, or `id` would be taken for `is`.
      if edits and (edits == 0 or edits * 2 < min(#folded, #other)) then
        local exact = edit_distance(lowered, lower(candidate), LONGEST) or LONGEST
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

return spelling

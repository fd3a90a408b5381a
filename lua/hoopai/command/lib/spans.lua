--- Lists of spans of time, each { first, last } in milliseconds; `last` is not included.
local ipairs = ipairs
local max, min = math.max, math.min
local sort = table.sort

local spans = {}

--- The union of spans: in order of time, none touching another.
-- @tparam table list
-- @treturn table list
function spans.merge(list)
  local sorted, merged = {}, {}
  for index, span in ipairs(list) do
    sorted[index] = span
  end
  sort(sorted, function(a, b) return a[1] < b[1] end)
  for _, span in ipairs(sorted) do
    local last = merged[#merged]
    if last and span[1] <= last[2] then
      last[2] = max(last[2], span[2])
    elseif span[2] > span[1] then
      merged[#merged + 1] = { span[1], span[2] }
    end
  end
  return merged
end

--- What two lists have in common.
-- @tparam table a list from `merge`
-- @tparam table b list from `merge`
-- @treturn table list
function spans.common(a, b)
  local found, i, j = {}, 1, 1
  while a[i] and b[j] do
    local first, last = max(a[i][1], b[j][1]), min(a[i][2], b[j][2])
    if first < last then found[#found + 1] = { first, last } end
    if a[i][2] < b[j][2] then
      i = i + 1
    else
      j = j + 1
    end
  end
  return found
end

--- The length of all spans.
-- @tparam table list from `merge`
-- @treturn integer minutes, rounded down
function spans.minutes(list)
  local sum = 0
  for _, span in ipairs(list) do
    sum = sum + span[2] - span[1]
  end
  return sum // 60000
end

return spans

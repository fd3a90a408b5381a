--- When waiting tasks are to be woken: a binary heap of { due, task, ticket }.
--
-- The entry of a task that woke otherwise stays until it is due; each time the heap has doubled it is rebuilt without
-- those, so abandoned timers cost no memory for long.
local sort = table.sort

local timers = {}

local heap, count, compact_at = {}, 0, 64

local function sift_up(entry, index)
  while index > 1 do
    local parent = index // 2
    if heap[parent].due <= entry.due then break end
    heap[index] = heap[parent]
    index = parent
  end
  heap[index] = entry
end

local function sift_down(entry, index)
  while true do
    local child = index * 2
    if child > count then break end
    if child < count and heap[child + 1].due < heap[child].due then child = child + 1 end
    if heap[child].due >= entry.due then break end
    heap[index] = heap[child]
    index = child
  end
  heap[index] = entry
end

--- Does its task still wait the wait that the entry is for?
local function is_live(entry)
  return entry.task.suspended and entry.task.ticket == entry.ticket
end

local function compact()
  local live = {}
  for index = 1, count do
    if is_live(heap[index]) then live[#live + 1] = heap[index] end
  end
  sort(live, function(a, b) return a.due < b.due end) -- a sorted array is a heap
  heap, count = live, #live
  compact_at = count < 32 and 64 or 2 * count
end

local function pop()
  local first, last = heap[1], heap[count]
  heap[count] = nil
  count = count - 1
  if count > 0 then sift_down(last, 1) end
  return first
end

--- Notes when the present wait of a task ends.
-- @tparam number due a core.now() time
-- @tparam table task its `suspended` and `ticket` say whether it still waits
function timers.add(due, task)
  if count >= compact_at then compact() end
  count = count + 1
  sift_up({ due = due, task = task, ticket = task.ticket }, count)
end

--- Calls wake(task, ticket, "timeout") for all that are due.
function timers.fire(moment, wake)
  while count > 0 and heap[1].due <= moment do
    local entry = pop()
    wake(entry.task, entry.ticket, "timeout")
  end
end

--- The core.now() time at which the next wait ends, nil when none has an end.
function timers.next()
  while count > 0 and not is_live(heap[1]) do pop() end
  return count > 0 and heap[1].due or nil
end

return timers

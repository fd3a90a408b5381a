--- The deadlines of waiting tasks: a binary heap of { due, task }.
--
-- When a task is woken before its deadline, its entry loses the task. The entry stays until it is due, or until such
-- entries are the larger part of the heap, which is then rebuilt without them.
--
-- A debug hook may raise at any instruction. Until a change of the heap is complete, each entry is thus in the heap
-- (some twice) or is `popped`, and `repair` finds it again.
local next, pairs, pcall, sort = next, pairs, pcall, table.sort

local timers = {}

local heap, count, dropped = {}, 0, 0
local popped = false -- the entry that is being fired

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

local function is_earlier(a, b) return a.due < b.due end

local function compact()
  local live = {}
  for index = 1, count do
    if heap[index].task then live[#live + 1] = heap[index] end
  end
  sort(live, is_earlier) -- a sorted array is a heap
  heap, count, dropped = live, #live, 0
end

local function pop()
  local first, last = heap[1], heap[count]
  popped = first
  count = count - 1
  if count > 0 then sift_down(last, 1) end
  heap[count + 1] = nil
  if not first.task then dropped = dropped - 1 end
  return first
end

--- Rebuilds the heap after an error of a debug hook interrupted one of the functions of this module.
function timers.repair()
  local found = {}
  if popped and popped.task then found[popped] = true end
  for _, entry in pairs(heap) do
    if entry.task then found[entry] = true end
  end
  local live = {}
  for entry in next, found do
    live[#live + 1] = entry
  end
  sort(live, is_earlier)
  heap, count, dropped, popped = live, #live, 0, false
end

--- Adds the deadline of a task's wait.
-- @tparam number due a core.now() time
-- @tparam table task
-- @treturn table the entry, for `drop`
function timers.add(due, task)
  local entry = { due = due, task = task }
  heap[count + 1] = entry -- raises when the heap finds no memory to grow: nothing else has changed then
  count = count + 1
  sift_up(entry, count) -- interrupted, it leaves an entry twice, but loses none
  return entry
end

--- Drops an entry of `add` that has not been fired.
function timers.drop(entry)
  entry.task = nil
  dropped = dropped + 1
  if dropped > 64 and 2 * dropped > count then pcall(compact) end -- when memory is exhausted the next call tries again
end

--- Calls wake(task, entry) for all tasks whose deadline has passed.
function timers.fire(moment, wake)
  while count > 0 and heap[1].due <= moment do
    local entry = pop()
    if entry.task then wake(entry.task, entry) end
  end
  popped = false
end

--- Returns the earliest deadline, a core.now() time; nil without a waiting task.
function timers.next()
  while count > 0 and not heap[1].task do
    pop()
  end
  return count > 0 and heap[1].due or nil
end

return timers

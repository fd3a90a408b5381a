--- Series of appointments: a master, which is read and changed by its own id, and the instances that it gives.
--
-- The instances are appointments like any other: they are listed, take slots, and are read, changed and deleted by
-- their ids, `<id of the master>_<start in ms>_<seconds>`. The master is in no list and takes no slot. A change of its
-- time, calendar or rule makes all instances anew, so that changes of single instances are lost; any other change of
-- the master is made in all instances.
-- @module hoopai.sandbox.domain.series

local api_errors = require "hoopai.sandbox.api_errors"
local recurrence = require "hoopai.sandbox.domain.recurrence"

local format = string.format
local ipairs, pairs = ipairs, pairs

local series = {}

local function refuse(problem) api_errors.unprocessable { "rrule is not valid: " .. problem } end

--- Whether an appointment is the master of a series.
-- @tparam table store
-- @tparam table appointment
-- @treturn boolean
function series.is_master(store, appointment) return store.series:get(appointment.id) ~= nil end

--- The instances of a series, in the order in which they were made.
-- @tparam table store
-- @tparam table master
-- @treturn table list
function series.instances(store, master)
  return store.appointments:where(function(item) return item.masterEventId == master.id end)
end

--- The instants at which the instances begin. Raises a 422 for a rule that cannot be read or gives no series.
-- @tparam table store
-- @tparam table calendar
-- @tparam string text of the rule
-- @tparam integer from start of the series, in ms
-- @treturn table list of ms
function series.starts(store, calendar, text, from)
  local rule, problem = recurrence.read(text)
  if not rule then refuse(problem) end
  local starts, why = recurrence.instants(rule, from, store:zone_of(calendar.locationId))
  if not starts then refuse(why) end
  return starts
end

-- The rule after a change. It is honoured with ignoreFreeSlotValidation alone, as documented.
local function rule_after(appointment, body, cleared)
  if cleared.rrule then return nil end
  return body.ignoreFreeSlotValidation and body.rrule or appointment.rrule
end

--- What a change makes of the instances. Raises a 422 for a wrong rule, and for a rule of one instance.
-- @tparam table store
-- @tparam table appointment of any kind, before the change
-- @tparam table calendar after the change
-- @tparam table span `from` and `to` after the change, in ms
-- @tparam table body of the request
-- @tparam table cleared the names of the fields that the request clears
-- @treturn table `rrule` after the change, `starts` of the instances if they are made anew, and `spans`: all times that
-- the appointment takes after the change
function series.plan(store, appointment, calendar, span, body, cleared)
  local rule = rule_after(appointment, body, cleared)
  if appointment.masterEventId then
    if rule ~= appointment.rrule then
      api_errors.unprocessable { "rrule of an instance cannot be changed: use its masterEventId" }
    end
    return { rrule = rule, spans = { span } }
  end
  if not rule then return { spans = { span } } end
  local is_same = series.is_master(store, appointment)
    and rule == appointment.rrule
    and span.from == appointment.from
    and span.to == appointment.to
    and calendar.id == appointment.calendarId
  if is_same then return { rrule = rule, spans = series.instances(store, appointment) } end
  local spans, starts = {}, series.starts(store, calendar, rule, span.from)
  for i, start in ipairs(starts) do
    spans[i] = { from = start, to = start + span.to - span.from }
  end
  return { rrule = rule, starts = starts, spans = spans }
end

local function remove_notes(store, id)
  for _, note in ipairs(store.notes:where(function(item) return item.appointmentId == id end)) do
    store.notes:remove(note.id)
  end
end

local function remove_instances(store, master)
  for _, instance in ipairs(series.instances(store, master)) do
    store.appointments:remove(instance.id)
    remove_notes(store, instance.id)
  end
end

local function add_instances(store, master, starts)
  for _, start in ipairs(starts) do
    local instance = {}
    for name, value in pairs(master) do
      instance[name] = value
    end
    instance.from, instance.to = start, start + master.to - master.from
    instance.id = format("%s_%d_%d", master.id, start, (instance.to - start) // 1000)
    instance.masterEventId = master.id
    store.appointments:add(instance)
  end
end

--- Stores an appointment that was made or changed: alone, or as the master of a series with its instances.
-- @tparam table store
-- @tparam table appointment
-- @tparam table plan `rrule` and `starts`, as `plan` returned them
function series.put(store, appointment, plan)
  if appointment.masterEventId then return end
  if plan.starts or not plan.rrule then remove_instances(store, appointment) end
  appointment.rrule, appointment.isRecurring = plan.rrule, plan.rrule ~= nil or nil
  local home, other = store.appointments, store.series
  if plan.rrule then
    home, other = other, home
  end
  other:remove(appointment.id)
  if not home:get(appointment.id) then home:add(appointment) end
  if plan.starts then add_instances(store, appointment, plan.starts) end
end

--- Removes an appointment with its notes, and with its instances if it is a master.
-- @tparam table store
-- @tparam table appointment
function series.remove(store, appointment)
  if series.is_master(store, appointment) then remove_instances(store, appointment) end
  store.series:remove(appointment.id)
  store.appointments:remove(appointment.id)
  remove_notes(store, appointment.id)
end

return series

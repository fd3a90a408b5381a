--- `hoopai notes`: the notes of an appointment.
local appointment = require "hoopai.command.lib.appointment"
local copy = require "hoopai.command.lib.copy"
local failure = require "hoopai.command.lib.failure"
local records = require "hoopai.command.lib.records"

local ipairs, select = ipairs, select
local format, gsub = string.format, string.gsub

--- The text of a note; "-" stands for the standard input.
local function text_of(context, word)
  if word ~= "-" then return word end
  local text, problem = context.streams.input:read "a"
  if not text then failure.refuse("input", "the standard input cannot be read: " .. problem) end
  text = gsub(text, "\n$", "")
  if text == "" then failure.usage "the note is empty" end
  return text
end

local function view_of(context, notes, zone, source)
  local names = context:names()
  local function author(note) return note.userId and names:of("users", note.userId) or "" end
  return function(screen)
    local columns = screen.columns
    local function added(note)
      local instant = columns and context.instant(note.dateAdded)
      return instant and instant:format("%F %R", zone) or note.dateAdded
    end
    if columns and #notes == 0 then return screen:line "no notes" end
    if columns then
      screen:lines { require("hoopai.command.lib.chart").zone_line(zone, source, columns, screen.style), "" }
    end
    screen:table({
      { title = "ADDED", value = added, cut = "never" },
      { title = "NOTE", value = "body", weight = 4 },
      { title = "AUTHOR", value = author },
      { title = "ID", value = "id", cut = "never", weight = 2 },
    }, notes)
  end
end

local function list_of(context, id)
  local found = records(context.check(context:client().notes:all(id)))
  local notes, zone, source = context:list {}, nil, nil
  if #found > 0 then
    zone, source = select(2, appointment.read(context, id))
  end
  for index, note in ipairs(found) do
    local added = context.instant(note.dateAdded)
    notes[index] = copy(note, { dateAdded = added and added:iso(zone) })
  end
  return notes, view_of(context, notes, zone, source)
end

local function add(context, options)
  local id, body = options.appointment, { body = text_of(context, options.add) }
  local user = options.user and context:names():user(options.user)
  body.userId = user and user.id
  local note = context:change("the note on " .. id, function() return context:client().notes:create(id, body) end)
  if options.dry_run then return nil end
  return note, function(screen) screen:line("added note " .. (note.id or "")) end
end

local function edit(context, options)
  local id, note, word = options.appointment, options.edit[1], options.edit[2]
  local body = { body = text_of(context, word) }
  local call = function() return context:client().notes:update(id, note, body) end
  local changed = context:change("the change of note " .. note, call)
  if options.dry_run then return nil end
  return changed, function(screen) screen:line("changed note " .. note) end
end

local function delete(context, options)
  local id, note = options.appointment, options.delete
  appointment.ask(options, format("Delete note %s?", note))
  context:change(format("the deletion of note %s", note), function() return context:client().notes:delete(id, note) end)
  if options.dry_run then return nil end
  return { deleted = true, id = note }, function(screen) screen:line("deleted note " .. note) end
end

return {
  name = "notes",
  summary = "list, add, change or delete the notes of an appointment",
  description = [[
    Lists the notes of an appointment. --add writes one, --edit gives one a new text, --delete removes one; a deletion
    asks first on a terminal, and needs --yes without a terminal.
  ]],
  needs = "client",
  changes = true,
  arguments = { appointment.ARGUMENT },
  options = {
    { "--add", argname = "<text>", convert = "word", description = 'A new note; "-" reads the standard input.' },
    {
      "--edit",
      argname = { "<note>", "<text>" },
      args = 2,
      convert = "word",
      description = 'The id of a note, and its new text; "-" reads the standard input.',
    },
    { "--delete", argname = "<note>", convert = "word", description = "The id of a note to delete." },
    { "--user", argname = "<name>", convert = "word", completes = "users", description = "The author of --add." },
    appointment.YES,
  },
  exclusive = { { "--add", "--edit", "--delete" }, { "--user", "--edit" }, { "--user", "--delete" } },
  examples = {
    { "hoopai notes ID", "the notes" },
    { 'hoopai notes ID --add "called back"', "a new one" },
    { 'hoopai notes ID --edit NOTE "called back twice"', "another text" },
  },
  run = function(context, options)
    if options.add then return add(context, options) end
    if options.edit then return edit(context, options) end
    if options.user and not options.delete then failure.usage "--user goes with --add: it is the author of a note" end
    if options.delete then return delete(context, options) end
    return list_of(context, options.appointment)
  end,
}

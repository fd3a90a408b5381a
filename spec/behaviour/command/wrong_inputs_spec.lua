-- Wrong inputs of every command: exit status 2 for wrong use and 1 for what is refused, a line that begins with
-- `hoopai: ` and a kind, at most one further line with advice, nothing on the standard output, and no request that
-- changes anything.

local clinic = require "spec.support.clinic"
local hoopai_command = require "hoopai.command"

local APPOINTMENT = "Appointment000000001"
local FOR_ANNA = { "--contact", clinic.CONTACT, "--yes" }
local EXPORT = { "--format", "ics" }

local NO_CALENDAR =
  '^not_found: there is no calendar "dentist"\nhoopai: the calendars are: Massage 2 %(%w+%), Massage 按摩'
local TWO_CALENDARS = '^ambiguous: "mas" is the beginning of 2 calendars: Massage 2 %(%w+%), Massage 按摩 %(%w+%)\n'
local NO_USER =
  '^not_found: there is no user "nosuch"\nhoopai: the users are: Ann Moor %(UserMoor000000000000%), Lee Marsh %('
local TWO_USERS = '^ambiguous: "User" is the beginning of 2 users: Ann Moor %(%w+%), Lee Marsh %(%w+%)\n'
local NO_GROUP = '^not_found: there is no group "nosuch"'
local TWO_GROUPS = '^ambiguous: "k" is the beginning of 2 groups: '
local NO_APPOINTMENT = '^not_found: there is no appointment "nosuch"\nhoopai: `hoopai events` lists the ids'
local NO_ZONE = '^usage: %-%-zone: there is no time zone "Mars"\nhoopai: write one such as Europe/London'
local NO_DATE = '"noday" is no date: write 2026%-12%-01, '
local TOGETHER = "^usage: option '[%w-]+' can not be used together with option '[%w-]+'"
local TOO_MANY = "^usage: too many arguments"
local EMPTY = "^usage: %w+ [%w-]+ expects a text that is not empty"

-- Command -> list of { exit status, pattern of what follows "hoopai: ", words... }. A list among the words is spread.
local CASES = {
  status = {
    { 2, TOO_MANY, "word" },
    { 1, "^forbidden: The token does not have access to this location", "--location", "nosuch" },
    { 1, '^profile: there is no profile "nosuch"', "--profile", "nosuch" },
    { 2, "^usage: option %-%-profile expects a name of letters", "--profile", "a/b" },
    { 2, "^usage: option %-%-profile expects a name of letters", "--profile", "" },
  },
  calendars = {
    { 2, TOO_MANY, "word" },
    { 1, NO_GROUP, "--group", "nosuch" },
    { 1, TWO_GROUPS, "--group", "k" },
    { 2, EMPTY, "--group", "" },
  },
  free = {
    { 1, NO_CALENDAR, "dentist" },
    { 1, NO_CALENDAR, "yoga", "dentist" },
    { 1, TWO_CALENDARS, "mas" },
    { 2, EMPTY, " " },
    { 2, NO_ZONE, "--zone", "Mars" },
    { 2, "^usage: %-%-from: " .. NO_DATE, "--from", "noday" },
    { 2, "^usage: %-%-to: " .. NO_DATE, "--to", "noday" },
    { 2, "^usage: %-%-from: .*2024%-02 has no day 30", "--from", "2024-02-30" },
    { 2, "^usage: %-%-from: .*write %+1mo or %+1min", "--from", "+1m" },
    { 2, "^usage: the span is empty", "--from", "2024-03-03", "--to", "2024-03-01" },
    { 2, TOGETHER, "--to", "today", "--days", "2" },
    { 2, '^usage: option %-%-days expects a whole number .*, got "0"', "--days", "0" },
    { 2, '^usage: option %-%-days expects a whole number .*, got "%-1"', "--days", "-1" },
    { 2, '^usage: option %-%-days expects a whole number .*, got "x"', "--days", "x" },
    { 2, '^usage: option %-%-days expects a whole number .*, got "99999999"', "--days", "99999999" },
    { 2, '^usage: option %-%-days expects .*, got "9223372036854775807"', "--days", "9223372036854775807" },
  },
  book = {
    { 2, "^usage: missing argument 'calendar'" },
    { 2, "^usage: whose appointment is it%?\nhoopai: write %-%-contact", "yoga", "--yes" },
    { 2, "^usage: %-%-at is a day", "yoga", "--at", "tomorrow", FOR_ANNA },
    { 2, "^usage: %-%-at: " .. NO_DATE, "yoga", "--at", "noday", FOR_ANNA },
    { 2, "^usage: %-%-from: " .. NO_DATE, "yoga", "--from", "noday", FOR_ANNA },
    { 2, TOGETHER, "yoga", "--at", "now", "--days", "1", FOR_ANNA },
    { 2, TOGETHER, "yoga", "--at", "now", "--from", "now", FOR_ANNA },
    { 2, NO_ZONE, "yoga", "--zone", "Mars", FOR_ANNA },
    { 2, EMPTY, "yoga", "--title", "", FOR_ANNA },
    { 1, NO_CALENDAR, "dentist", FOR_ANNA },
    { 1, TWO_CALENDARS, "mas", FOR_ANNA },
    { 1, NO_USER, "yoga", "--user", "nosuch", FOR_ANNA },
    { 1, TWO_USERS, "yoga", "--user", "User", FOR_ANNA },
    { 2, '^usage: %-%-at: "next%-week" is a period', "yoga", "--at", "next-week", FOR_ANNA },
    { 2, "^usage: option %-%-reference expects a text of 8 to 200", "yoga", "--reference", "short", FOR_ANNA },
  },
  cancel = {
    { 2, "^usage: missing argument 'appointment'" },
    { 2, TOO_MANY, APPOINTMENT, "word", "--yes" },
    { 2, EMPTY, "", "--yes" },
    { 1, NO_APPOINTMENT, "nosuch", "--yes" },
    { 1, "^invalid_request: .*must not hold /", "a/../b", "--yes" },
    { 2, NO_ZONE, APPOINTMENT, "--zone", "Mars", "--yes" },
  },
  move = {
    { 2, "^usage: missing argument 'appointment'" },
    { 2, "^usage: where to%?\nhoopai: write a time, or %-%-user NAME", APPOINTMENT, "--yes" },
    { 2, TOO_MANY, APPOINTMENT, "today", "word", "--yes" },
    { 2, "^usage: the new time: " .. NO_DATE, APPOINTMENT, "noday", "--yes" },
    { 2, "^usage: the new time: .*there is no time 25:00", APPOINTMENT, "25:00", "--yes" },
    { 2, '^usage: the new time: "last%-week" is a period', APPOINTMENT, "last-week", "--yes" },
    { 1, NO_APPOINTMENT, "nosuch", "tomorrow", "--yes" },
    { 1, NO_USER, APPOINTMENT, "--user", "nosuch", "--yes" },
    { 1, TWO_USERS, APPOINTMENT, "--user", "User", "--yes" },
    { 2, "^usage: option '%-%-user' requires an argument", APPOINTMENT, "--user" },
  },
  agenda = {
    { 2, "^usage: %-%-day: " .. NO_DATE, "--day", "noday" },
    { 2, '^usage: %-%-day: "next%-week" is a period', "--day", "next-week" },
    { 2, '^usage: %-%-week: "2024%-03" is no week', "--week", "2024-03" },
    { 2, "^usage: %-%-from: .*no day 31", "--from", "2024-02-31" },
    { 2, "^usage: the span is empty", "--from", "2024-02-02", "--to", "2024-02-01" },
    { 2, TOGETHER, "--day", "today", "--week" },
    { 2, TOGETHER, "--user", "a", "--calendar", "b" },
    { 2, TOGETHER, "--to", "today", "--days", "2" },
    { 2, NO_ZONE, "--zone", "Mars" },
    { 2, TOO_MANY, "word" },
    { 1, NO_USER, "--user", "nosuch" },
    { 1, TWO_USERS, "--user", "User" },
    { 1, NO_CALENDAR, "--calendar", "dentist" },
    { 1, TWO_CALENDARS, "--calendar", "mas" },
    { 1, NO_GROUP, "--group", "nosuch" },
    { 1, TWO_GROUPS, "--group", "k" },
  },
  block = {
    { 2, "^usage: missing argument 'owner'" },
    { 2, "^usage: say when: a day, or %-%-from and %-%-to", "UserLee" },
    { 2, "^usage: the day: " .. NO_DATE, "UserLee", "noday" },
    { 2, "^usage: the day is a moment", "UserLee", "now" },
    { 2, '^usage: the day: "next%-week" is a p', "UserLee", "next-week", "--from", "9:00", "--to", "10:00" },
    { 2, "^usage: %-%-from and %-%-to go together", "UserLee", "today", "--from", "9:00" },
    { 2, "^usage: with a day, ", "UserLee", "today", "--from", "tomorrow", "--to", "9:00" },
    { 2, "^usage: %-%-to must be after %-%-from", "UserLee", "today", "--from", "9:00", "--to", "9:00" },
    { 2, "^usage: %-%-from: .*no time 25:00", "UserLee", "today", "--from", "25:00", "--to", "9:00" },
    { 2, EMPTY, "UserLee", "today", "--title", " " },
    { 1, '^not_found: there is no owner "nosuch"', "nosuch", "today" },
    { 1, '^ambiguous: "User" is the beginning of 2 owners', "User", "today" },
  },
  events = {
    { 2, TOO_MANY, "word" },
    { 2, "^usage: %-%-from: " .. NO_DATE, "--from", "noday" },
    { 2, '^usage: option %-%-days expects a whole number .*, got "1.5"', "--days", "1.5" },
    { 2, "^usage: option '%-%-no%-blocked' does not take arguments", "--no-blocked=1" },
    { 2, TOGETHER, "--user", "a", "--calendar", "b" },
    { 2, NO_ZONE, "--zone", "Mars" },
    { 1, NO_USER, "--user", "nosuch" },
    { 1, TWO_CALENDARS, "--calendar", "mas" },
    { 1, TWO_GROUPS, "--group", "k" },
  },
  notes = {
    { 2, "^usage: missing argument 'appointment'" },
    { 2, TOO_MANY, APPOINTMENT, "word" },
    { 2, EMPTY, APPOINTMENT, "--add", "" },
    { 2, "^usage: the note is empty", APPOINTMENT, "--add", "-" },
    { 2, TOGETHER, APPOINTMENT, "--add", "x", "--delete", "y" },
    { 2, TOGETHER, APPOINTMENT, "--user", "UserLee", "--delete", "y" },
    { 2, "^usage: %-%-user goes with %-%-add", APPOINTMENT, "--user", "UserLee" },
    { 1, "^not_found: Appointment not found ", "nosuch" },
    { 1, "^invalid_request: .*must not hold /", "a/b" },
    { 2, TOGETHER, APPOINTMENT, "--edit", "x", "y", "--delete", "z" },
    { 2, "^usage: option '%-%-edit' requires 2 arguments", APPOINTMENT, "--edit", "x" },
    { 1, NO_USER, APPOINTMENT, "--add", "x", "--user", "nosuch" },
    { 1, TWO_USERS, APPOINTMENT, "--add", "x", "--user", "User" },
  },
  utilisation = {
    { 2, "^usage: %-%-from: " .. NO_DATE, "--from", "noday" },
    { 2, '^usage: option %-%-days expects a whole number .*, got "0"', "--days", "0" },
    { 2, TOGETHER, "--user", "a", "--group", "b" },
    { 2, TOO_MANY, "word" },
    { 2, NO_ZONE, "--zone", "Mars" },
    { 1, NO_USER, "--user", "nosuch" },
    { 1, TWO_CALENDARS, "--calendar", "mas" },
    { 1, TWO_GROUPS, "--group", "k" },
  },
  export = {
    { 2, "^usage: say in which format\nhoopai: write %-%-format ics" },
    { 2, "^usage: say in which format", "-o", "a.txt" },
    { 2, "^usage: .*%-%-format", "--format", "xls" },
    { 2, "^usage: option '%-%-format' requires an argument", "--format" },
    { 2, "^usage: %-%-json and %-%-jsonl do not go", EXPORT, "--json" },
    { 2, "^usage: %-%-keep%-formulas goes with", EXPORT, "--keep-formulas" },
    { 2, "^usage: %-%-from: " .. NO_DATE, EXPORT, "--from", "noday" },
    { 2, TOGETHER, EXPORT, "--user", "a", "--calendar", "b" },
    { 2, NO_ZONE, EXPORT, "--zone", "Mars" },
    { 2, EMPTY, "-o", "" },
    { 1, NO_USER, EXPORT, "--user", "nosuch" },
    { 1, TWO_CALENDARS, EXPORT, "--calendar", "mas" },
    { 1, "^output: cannot write /nosuch/a.ics: No such file or directory; no file was made", "-o", "/nosuch/a.ics" },
  },
  api = {
    { 2, "^usage: missing argument 'method'" },
    { 2, TOO_MANY, "GET", "/calendars/", "word" },
    { 2, '^usage: the method "FETCH" is none of GET, POST', "FETCH", "/calendars/" },
    { 2, "^usage: %-%-paginate: the library pages no list of this path", "/calendars/", "--paginate" },
    { 2, "^usage: %-%-paginate goes with GET", "POST", "/calendars/", "--paginate" },
    { 2, '^usage: a field is key=value, got "name"', "POST", "/calendars/", "-f", "name" },
    { 2, '^usage: the key "a%[" is no name', "POST", "/calendars/", "-f", "a[=1" },
    { 2, '^usage: the field "a" is given twice', "POST", "/calendars/", "-f", "a=1", "-f", "a=2" },
    { 2, '^usage: the field "a%[b%]" contradicts', "POST", "/calendars/", "-f", "a=1", "-f", "a[b]=2" },
    { 1, "^input: /nosuch: No such file or directory", "POST", "/calendars/", "--input", "/nosuch" },
    { 1, "^input: /nosuch: No such file or directory", "POST", "/calendars/", "-F", "a=@/nosuch" },
    { 1, "^input: .* is no JSON", "POST", "/calendars/", "--input", "-" },
    { 1, "^invalid_request: .*has a space", "/a b" },
    { 1, "^invalid_request: .*has a dot segment", "/../x" },
    { 1, "^agency: the profile has no agency", "/{company_id}" },
    { 1, "^not_found: Calendar not found %(HTTP 404", "/calendars/nosuch" },
  },
  completion = {
    { 2, "^usage: missing argument 'shell'" },
    { 2, "^usage: argument 'shell' must be one of 'bash', 'zsh', 'fish'", "tcsh" },
  },
  logout = {
    { 2, TOO_MANY, "word" },
    { 1, '^profile: there is no profile "default"' },
  },
  login = {
    { 2, TOO_MANY, "word" },
    { 2, TOGETHER, "--token", "--agency" },
    { 2, "^usage: option %-%-port expects a port", "--port", "65536" },
    { 1, "^login: no private token was given", "--token" },
  },
  webhooks = {
    { 2, "^usage: missing argument 'action'" },
    { 2, "^usage: argument 'action' must be one of 'listen'", "send" },
    { 2, "^usage: option %-%-port expects a port", "listen", "--port", "0" },
    { 2, "^usage: option %-%-port expects a port", "listen", "--port", "65536" },
    { 2, "^usage: option %-%-forward expects an address", "listen", "--forward", "https://localhost/" },
    { 2, "^usage: option %-%-forward is no address", "listen", "--forward", "http://localhost:x/" },
    { 2, "^usage: option %-%-max%-age expects a length", "listen", "--max-age", "1" },
    { 1, "^forward: host.invalid: ", "listen", "--forward", "http://host.invalid/" },
    { 1, "^key: keys%[1%] of the receiver is unusable: ", "listen", "--key", "nonsense" },
    { 1, "^key: .*/nosuch/key: No such file", "listen", "--key", "@/nosuch/key" },
  },
  sandbox = {
    { 2, "^usage: option %-%-port expects a port", "--port", "0" },
    { 2, "^usage: write either %-%-run or a program", "--run", "true", "--", "true" },
    { 1, "^sandbox: .*Mars", "--zone", "Mars", "--", "true" },
  },
  help = {
    { 2, '^usage: unknown command "nosuch"', "nosuch" },
    { 2, TOO_MANY, "calendars", "free" },
  },
}

--- The words of a case.
local function words_of(name, case)
  local words = { name }
  for index = 3, #case do
    local entry = case[index]
    local list = type(entry) == "table" and entry or { entry }
    table.move(list, 1, #list, #words + 1, words)
  end
  return words
end

describe("a wrong input of", function()
  local home

  setup(function()
    home = clinic.home { control = true, now = clinic.NOW, rate_limit = false }
    local function add(kind, fields) home.sandbox:control("add", { kind = kind, fields = fields }) end
    local moor = "UserMoor000000000000"
    add("user", { name = "Ann Moor", id = moor })
    add("group", { name = "Kür" })
    add("calendar", { name = "Massage 2", calendarType = "personal", teamMembers = { { userId = moor } } })
  end)
  teardown(function() home:close() end)

  local function assert_refused(words, status, pattern)
    local output, errors, seen = home:run(words)
    local line = "hoopai " .. table.concat(words, " ") .. "\n" .. errors
    assert.are.equal("", output, line)
    assert.are.equal(status, seen, line)
    local message = assert(errors:match "^hoopai: (.*)$", line)
    assert.matches(pattern, message)
    assert.is_nil(message:find(".lua:", 1, true), line)
    local lines = 0
    for text in errors:gmatch "[^\n]*\n" do
      assert.are.equal("hoopai: ", text:sub(1, 8), line)
      lines = lines + 1
    end
    assert.is_true(lines <= 2, line)
  end

  for _, name in ipairs { "help", table.unpack(hoopai_command.names) } do
    it("hoopai " .. name .. " is refused", function()
      for _, case in ipairs(CASES[name]) do
        assert_refused(words_of(name, case), case[1], case[2])
      end
      assert.are.same({}, home:writes())
    end)
  end

  it("options of every command is refused", function()
    for _, name in ipairs(hoopai_command.names) do
      local see = "\nhoopai: see: hoopai help " .. name .. "\n$"
      assert_refused({ name, "--nosuch" }, 2, "^usage: unknown option '%-%-nosuch'" .. see)
      assert_refused({ name, "--zone" }, 2, "^usage: option '%-%-zone' requires an argument" .. see)
      assert_refused({ name, "--json", "--jsonl" }, 2, TOGETHER)
      assert_refused({ name, "--json=yes" }, 2, "^usage: option '%-%-json' does not take arguments" .. see)
    end
    assert.are.same({}, home:writes())
  end)

  it("the command line is refused", function()
    for _, words in ipairs { {}, { "nosuch" }, { "cal" }, { "--nosuch" }, { "" } } do
      assert_refused(words, 2, "^usage: .*\nhoopai: `hoopai help` lists the commands\n$")
    end
  end)
end)

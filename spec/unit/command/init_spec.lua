local child = require "spec.support.child"
local command = require "hoopai.command"

local function run(...)
  local streams, texts = {}, {}
  for _, name in ipairs { "output", "error" } do
    texts[name] = {}
    streams[name] = {
      write = function(self, ...)
        table.insert(texts[name], table.concat { ... })
        return self
      end,
      flush = function() return true end,
    }
  end
  local status = command.main({ ... }, streams)
  return table.concat(texts.output), table.concat(texts.error), status
end

describe("the command", function()
  it("has a module per name, whose data is whole", function()
    local seen = {}
    for index, data in ipairs(command.load(command.names)) do
      assert.are.equal(command.names[index], data.name)
      assert.is_nil(seen[data.name])
      seen[data.name] = true
      assert.matches("^%l[^\n]*[^.]$", data.summary) -- a line of the overview, not a sentence
      assert.is_string(data.description)
      assert.is_function(data.run)
      for _, entry in ipairs(data.options or {}) do
        assert.matches('^[%u"].*%.$', entry.description, 1)
      end
      for _, example in ipairs(data.examples) do
        assert.matches("^hoopai " .. data.name, example[1])
      end
    end
  end)

  it("prints its version before anything is loaded", function()
    assert.are.same({ "hoopai " .. require "hoopai.version" .. "\n", "", 0 }, { run "--version" })
    local program = [[
      local status = require("hoopai.command").main { "--version" }
      for name in pairs(package.loaded) do
        if name:find "hoopai" or name == "argparse" then io.write(name, "\n") end
      end]]
    local text = child.run(program)
    local loaded = {}
    for name in text:gmatch "[^\n]+" do
      loaded[#loaded + 1] = name
    end
    table.sort(loaded)
    local expected = { "hoopai " .. require "hoopai.version", "hoopai.command", "hoopai.version" }
    assert.are.same(expected, loaded)
  end)

  it("prints the help on the output, and problems on stderr", function()
    local output, errors, status = run "--help"
    assert.matches("^Usage: hoopai ", output)
    assert.are.same({ "", 0 }, { errors, status })
    output, errors, status = run "nosuch"
    assert.are.same({ "", 2 }, { output, status })
    assert.matches("^hoopai: usage: unknown command 'nosuch'\nhoopai: ", errors)
  end)

  it("loads the command that is asked for, and no other", function()
    local program = [[
      require("hoopai.command").main { "calendars", "--nosuch" }
      for name in pairs(package.loaded) do
        if name:find "^hoopai%.command%.%l+$" then io.write("loaded ", name, "\n") end
      end]]
    local text = child.run(program)
    assert.are.same("loaded hoopai.command.calendars", table.concat({ text:match "loaded [^\n]+" }))
    assert.are.equal(1, select(2, text:gsub("loaded ", "")))
  end)

  it("says what to install without argparse", function()
    local program = [[
      package.preload.argparse = nil
      package.searchers[2] = function(name) if name == "argparse" then return "no" end
        local path = package.searchpath(name, package.path)
        if path then return loadfile(path) end end
      os.exit(require("hoopai.command").main { "calendars" })]]
    local text, _, _, code = child.run(program)
    assert.matches("^hoopai: missing: lua%-argparse, .- is not installed", text)
    assert.matches("apt%-get install lua%-argparse", text)
    assert.are.equal(1, code)
  end)

  it("says what to install without LuaSocket", function()
    local program = [[
      package.preload.socket = function() error("module 'socket' not found: ...", 0) end
      os.exit(require("hoopai.command").main { "webhooks", "listen" })]]
    local text, _, _, code = child.run(program)
    assert.matches("^hoopai: missing: LuaSocket, .- is not installed", text)
    assert.are.equal(1, code)
  end)
end)

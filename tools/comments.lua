--- Reads the documentation comments of a Lua file, in the form that LDoc knows.
--
-- A comment becomes { name, line, text, tags }: `name` is that of @function, @table or @module, else of the code
-- below; `text` has its line breaks; `tags` is a list of { tag, group, opt, default, type, name, text },
-- with only those that the tag has.
local comments = {}

local TYPED = { tparam = true, treturn = true, tfield = true }
local NAMED = { tparam = true, param = true, tfield = true, field = true }

local function name_of(code)
  return code:match("^%s*function ([%w_.:]+)%(") or code:match("^([%w_.]+)%s*=") or code:match("^  ([%w_]+) = ")
end

--- Reads "[opt=30]", "[2]" or "[opt,2]".
local function read_modifier(tag, modifier)
  for part in modifier:gmatch("[^,]+") do
    if part:find("^%d+$") then
      tag.group = tonumber(part)
    else
      tag.opt = part:find("^opt") ~= nil
      tag.default = part:match("=(.*)$")
    end
  end
end

local function read_tag(line)
  local word, modifier, rest = line:match("^@(%a+)(%[?[^%]%s]*%]?)%s*(.*)$")
  local tag = { tag = word }
  if modifier ~= "" then read_modifier(tag, modifier:sub(2, -2)) end
  if TYPED[word] then
    tag.type, rest = rest:match("^(%S+)%s*(.*)$")
  end
  if NAMED[word] then
    tag.name, rest = rest:match("^(%S+)%s*(.*)$")
  end
  if tag.type and tag.type:find("^%?") then
    tag.type, tag.opt = tag.type:sub(2), true
  end
  tag.text = rest
  return tag
end

local function finish(block, code)
  local text = {}
  for _, line in ipairs(block.lines) do
    if line:find("^@%a") then
      block.tags[#block.tags + 1] = read_tag(line)
    elseif #block.tags > 0 then
      local tag = block.tags[#block.tags]
      tag.text = tag.text .. (tag.text ~= "" and " " or "") .. line
    else
      text[#text + 1] = line
    end
  end
  block.lines = nil
  block.text = table.concat(text, "\n"):gsub("%s+$", "")
  block.name = name_of(code)
  block.is_local = code:find("^local ") ~= nil
  for _, tag in ipairs(block.tags) do
    if tag.tag == "function" or tag.tag == "table" or tag.tag == "module" then
      block.name, block.is_local, block.kind = tag.text, false, tag.tag
    end
  end
  return block
end

--- The documentation comments of a file, in order.
-- @tparam string path
-- @treturn table a list; by name, the same comments
function comments.read(path)
  local blocks, block, number = {}, nil, 0
  for line in io.lines(path) do
    number = number + 1
    local first = line:match("^%s*%-%-%- (.*)$")
    if first and not block then
      block = { line = number, lines = { first }, tags = {} }
    elseif block and line:find("^%s*%-%-") then
      block.lines[#block.lines + 1] = line:match("^%s*%-%- ?(.*)$")
    elseif block then
      finish(block, line)
      if block.name and not block.is_local then
        blocks[#blocks + 1] = block
        blocks[block.name] = block
      end
      block = nil
    end
  end
  return blocks
end

--- The tags of one kind.
-- @tparam table block
-- @tparam string ... names of tags
-- @treturn table a list
function comments.tags(block, ...)
  local wanted, list = {}, {}
  for _, name in ipairs { ... } do
    wanted[name] = true
  end
  for _, tag in ipairs(block.tags) do
    if wanted[tag.tag] then list[#list + 1] = tag end
  end
  return list
end

return comments

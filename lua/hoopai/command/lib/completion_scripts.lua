--- The scripts of `hoopai completion`: those of argparse, which have commands and options, with functions in front that
-- ask `hoopai __complete` for names where the command line takes one.
local error, ipairs = error, ipairs
local concat = table.concat
local format, gsub, match = string.format, string.gsub, string.match

local completion_scripts = {}

-- Names of the API are data: what a shell would run inside of quotes is not completed there.
local BASH = [=[

_hoopai_complete() {
    local cur="${COMP_WORDS[COMP_CWORD]}" name names
    if ((COMP_CWORD > 1)) && [ "${cur#-}" = "$cur" ] &&
        names=$(command hoopai __complete "${COMP_WORDS[@]:1:COMP_CWORD}" </dev/null 2>/dev/null); then
        COMPREPLY=()
        compopt +o bashdefault +o default 2>/dev/null
        while IFS= read -r name; do
            case "$cur" in
                \"*) case "$name" in *[\"\\\$\`!]*) continue ;; esac ;;
                \'*) case "$name" in *\'*) continue ;; esac ;;
                *) printf -v name %q "$name" ;;
            esac
            [ -z "$names" ] || COMPREPLY+=("$name")
        done <<<"$names"
        return 0
    fi
    _hoopai
}

complete -F _hoopai_complete -o bashdefault -o default hoopai
]=]

local ZSH = [=[

_hoopai() {
  local output
  local -a names
  if (( CURRENT > 2 )) && [[ $words[CURRENT] != -* || $words[CURRENT] == --*=* ]] &&
    output=$(command hoopai __complete "${(@)words[2,CURRENT]}" </dev/null 2>/dev/null); then
    [[ -n $output ]] || return 1
    names=("${(@f)output}")
    compadd -M 'm:{[:lower:][:upper:]}={[:upper:][:lower:]}' -- "${(@)names}"
    return
  fi
  _hoopai_words "$@"
}

_hoopai "$@"
]=]

local FISH = [=[

function __fish_hoopai_names
    set -l words (commandline -opc)[2..-1]
    set -l current (commandline -ct)
    # From version 4 on fish puts the option before the names itself.
    if string match -qr -- '^([4-9]|[1-9][0-9]+)\.' $version; and string match -qr -- '^--[^=]+=' "$current"
        set -a words (string replace -r -- '=.*' '' "$current")
        set current (string replace -r -- '^[^=]*=' '' "$current")
    end
    command hoopai __complete $words "$current" </dev/null 2>/dev/null
end

]=]

local FISH_LINE = "complete -c hoopai -n '__fish_hoopai_seen_command %s'%s -xa '(__fish_hoopai_names)'"

--- A text with one change that must be possible.
local function changed(text, pattern, replacement)
  local result, count = gsub(text, pattern, replacement)
  if count ~= 1 then error("this version of argparse writes another script: " .. pattern, 0) end
  return result
end

local MAKE = {}

function MAKE.bash(text) return text .. BASH end

--- zsh calls the function of the file's name, so argparse's gets another one.
function MAKE.zsh(text)
  text = changed(text, "\n_hoopai%(%) {\n", "\n_hoopai_words() {\n")
  return changed(text, "\n_hoopai\n$", "") .. ZSH
end

function MAKE.fish(text, commands)
  local lines = {}
  for _, data in ipairs(commands) do
    for _, entry in ipairs(data.arguments or {}) do
      if entry.completes then lines[#lines + 1] = format(FISH_LINE, data.name, "") end
    end
    for _, entry in ipairs(data.options or {}) do
      local option = match(entry[1], "%-%-(%S+)$")
      if entry.completes then lines[#lines + 1] = format(FISH_LINE, data.name, " -l " .. option) end
    end
  end
  return text .. FISH .. concat(lines, "\n") .. "\n"
end

--- The script of a shell.
-- @tparam string shell "bash", "zsh" or "fish"
-- @tparam table root the argparse parser of all commands
-- @tparam table commands list of their data
-- @treturn string
function completion_scripts.of(shell, root, commands)
  return MAKE[shell](root["get_" .. shell .. "_complete"](root), commands)
end

return completion_scripts

--- Small file systems, for specs of what happens when a disk is full or read-only.

local child = require "spec.support.child"
local lfs = require "lfs"
local process = require "spec.support.process"

local mount = {}

--- Puts an empty file system over a folder; false where that is not allowed.
-- @tparam string path
-- @tparam string size such as "64k"
function mount.on(path, size)
  local command = "mount -t tmpfs -o size=%s,mode=0700 tmpfs %s 2>/dev/null"
  return os.execute(command:format(size, child.quote(path))) == true
end

--- Takes it away, though a file in it may still be open.
function mount.off(path) os.execute("umount -l " .. child.quote(path)) end

local function can_mount()
  local path = os.tmpname()
  os.remove(path)
  lfs.mkdir(path)
  local done = mount.on(path, "16k")
  if done then mount.off(path) end
  lfs.rmdir(path)
  return done
end

local function can_mount_in_namespace()
  local pid = process.fork()
  if pid == 0 then
    local ok, done = pcall(function()
      process.become_root()
      return can_mount()
    end)
    process.exit(ok and done and 0 or 1)
  end
  local how, code = process.wait(pid)
  return how == "exit" and code == 0
end

-- Which process may mount: this one ("root", but not in most containers), a child that became root of new namespaces
-- ("namespace"), or none (nil).
mount.who = can_mount() and "root" or can_mount_in_namespace() and "namespace" or nil

return mount

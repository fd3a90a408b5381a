--- A network namespace with one address, which can be cut off. Needs root, and `ip` of iproute2.
local network = {}

local Network = {}
Network.__index = Network

local function run(line) assert(os.execute(line .. " 2>/dev/null"), line) end

--- Makes a network.
-- @tparam integer number from 1 to 250, of this network on this machine
-- @return the network: `address`, `enter` (the command line that runs a program in it), `cut` and `mend`
function network.start(number)
  local name, outer, inner = "hoopai" .. number, "hoopai" .. number .. "o", "hoopai" .. number .. "i"
  local own, address = ("10.203.%d.1"):format(number), ("10.203.%d.2"):format(number)
  local self = setmetatable({ name = name, own = own, address = address, enter = "ip netns exec " .. name }, Network)
  run("ip netns add " .. name)
  run(("ip link add %s type veth peer name %s"):format(outer, inner))
  run(("ip link set %s netns %s"):format(inner, name))
  run(("ip addr add %s/30 dev %s && ip link set %s up"):format(own, outer, outer))
  run(("%s ip addr add %s/30 dev %s"):format(self.enter, address, inner))
  run(("%s ip link set %s up"):format(self.enter, inner))
  self.inner = inner
  return self
end

--- Cuts it off: packets are lost in both directions, or those alone that leave it.
-- @tparam[opt] boolean only_replies
function Network:cut(only_replies)
  if only_replies then
    self.mending = ("%s ip route del blackhole %s/32"):format(self.enter, self.own)
    return run(("%s ip route add blackhole %s/32"):format(self.enter, self.own))
  end
  self.mending = ("%s ip link set %s up"):format(self.enter, self.inner)
  run(("%s ip link set %s down"):format(self.enter, self.inner))
end

--- Ends the cut.
function Network:mend()
  if self.mending then run(self.mending) end
  self.mending = nil
end

--- Removes it.
function Network:stop() run("ip netns del " .. self.name) end

Network.__close = Network.stop

return network

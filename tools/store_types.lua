--- The types of what is kept in stores and in Redis, for editors, a part of lua/hoopai/meta.lua.
local store_types = {}

local function put_stores(page, writers)
  local put = writers.put
  put("---What `hoopai.store.file`, `hoopai.store.memory` and `hoopai.store.redis` return; opaque.")
  put("---@class hoopai.Store")
  put("")
  writers.put_table("OwnStore", page.items.OwnStore)
  writers.put_options("RedisStoreOptions", "What `hoopai.store.redis` takes.", page.items.redis.comment, "options")
  put("---Where the tokens of an app are kept.")
  put("---@class hoopai.store")
  put("local store = {}")
  put("")
  writers.put_items(page, nil, "store.")
end

local function put_redis(clients, limits, writers)
  local put, put_text, put_items = writers.put, writers.put_text, writers.put_items
  local function put_given(name, item, what)
    writers.put_options(name, ("What `%s` takes."):format(what), item.comment, "options")
  end
  put_given("RedisOptions", clients.items.luv, "hoopai.redis.luv")
  put_given("RedisTlsOptions", clients.items.cqueues, "hoopai.redis.cqueues")
  put_given("ClaimOptions", clients.items.claims, "hoopai.redis.claims")
  put_text(clients.text)
  put("---@class hoopai.redis")
  put("local redis = {}")
  put("")
  put_items(clients, nil, "redis.")
  put_given("SharedRateLimitOptions", limits.items.redis, "hoopai.rate_limit.redis")
  put("---What `hoopai.rate_limit.redis` returns; opaque.")
  put("---@class hoopai.SharedRateLimit")
  put("")
  put_text(limits.text)
  put("---@class hoopai.rate_limit")
  put("local rate_limit = {}")
  put("")
  put_items(limits, nil, "rate_limit.")
end

--- Writes the types.
-- @tparam table pages of tools.reference
-- @tparam table writers functions of tools.generate_meta
function store_types.put(pages, writers)
  put_stores(pages["hoopai.store"], writers)
  put_redis(pages["hoopai.redis"], pages["hoopai.rate_limit"], writers)
end

return store_types

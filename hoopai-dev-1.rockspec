rockspec_format = "3.0"
package = "hoopai"
version = "dev-1"

source = {
  url = "git+https://github.com/hoopai/hoopai.git",
  branch = "main",
}

description = {
  summary = "A client for the HoopAI (HighLevel / LeadConnector) Calendars API",
  detailed = [[
    Calendars, groups, free slots, appointments, block slots, notes, resources, notifications and availability
    schedules: 42 endpoints as Lua functions that block in a plain script and wait in a coroutine, on a C core of
    libcurl and lua-cjson. It never books twice on its own and never prints a token. With a local sandbox server.
  ]],
  license = "MIT",
  homepage = "https://github.com/hoopai/hoopai",
  issues_url = "https://github.com/hoopai/hoopai/issues",
  maintainer = "hoopai contributors",
  labels = { "api", "calendar", "http", "coroutine" },
}

supported_platforms = { "unix" }

dependencies = {
  "lua >= 5.4, < 5.6",
  "lua-cjson >= 2.1.0",
}

-- The library only: on Debian the header lies in a multiarch folder, which LuaRocks does not search but compilers do.
external_dependencies = {
  CURL = { library = "curl" },
}

build = {
  type = "builtin",
  modules = {
    ["hoopai.core"] = {
      sources = {
        "src/core.c",
        "src/credentials.c",
        "src/curl_compat.c",
        "src/fork.c",
        "src/headers.c",
        "src/json.c",
        "src/lookup.c",
        "src/multi.c",
        "src/poller.c",
        "src/rate_limiter.c",
        "src/request.c",
        "src/secret.c",
        "src/token_file.c",
        "src/transfer.c",
        "src/url.c",
        "src/util.c",
        "src/wakeup.c",
      },
      libraries = { "curl", "pthread" },
      incdirs = { "$(CURL_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)" },
    },
    ["hoopai.api"] = "lua/hoopai/api/init.lua",
    ["hoopai.api.appointments"] = "lua/hoopai/api/appointments.lua",
    ["hoopai.api.block_slots"] = "lua/hoopai/api/block_slots.lua",
    ["hoopai.api.calendars"] = "lua/hoopai/api/calendars.lua",
    ["hoopai.api.events"] = "lua/hoopai/api/events.lua",
    ["hoopai.api.groups"] = "lua/hoopai/api/groups.lua",
    ["hoopai.api.models"] = "lua/hoopai/api/models.lua",
    ["hoopai.api.notes"] = "lua/hoopai/api/notes.lua",
    ["hoopai.api.notifications"] = "lua/hoopai/api/notifications.lua",
    ["hoopai.api.reserved_segments"] = "lua/hoopai/api/reserved_segments.lua",
    ["hoopai.api.resources"] = "lua/hoopai/api/resources.lua",
    ["hoopai.api.schedules"] = "lua/hoopai/api/schedules.lua",
    ["hoopai.async.combine"] = "lua/hoopai/async/combine.lua",
    ["hoopai.async.lock"] = "lua/hoopai/async/lock.lua",
    ["hoopai.async.pollset"] = "lua/hoopai/async/pollset.lua",
    ["hoopai.async.scheduler"] = "lua/hoopai/async/scheduler.lua",
    ["hoopai.async.timers"] = "lua/hoopai/async/timers.lua",
    ["hoopai.booking"] = "lua/hoopai/booking.lua",
    ["hoopai.call"] = "lua/hoopai/call/init.lua",
    ["hoopai.call.endpoints"] = "lua/hoopai/call/endpoints.lua",
    ["hoopai.call.rate_limiter"] = "lua/hoopai/call/rate_limiter.lua",
    ["hoopai.call.raw_request"] = "lua/hoopai/call/raw_request.lua",
    ["hoopai.call.reconcile"] = "lua/hoopai/call/reconcile.lua",
    ["hoopai.call.response"] = "lua/hoopai/call/response.lua",
    ["hoopai.call.retry"] = "lua/hoopai/call/retry.lua",
    ["hoopai.client"] = "lua/hoopai/client.lua",
    ["hoopai.errors"] = "lua/hoopai/errors.lua",
    hoopai = "lua/hoopai/init.lua",
    ["hoopai.log"] = "lua/hoopai/log.lua",
    ["hoopai.loop"] = "lua/hoopai/loop/init.lua",
    ["hoopai.loop.blocking"] = "lua/hoopai/loop/blocking.lua",
    ["hoopai.loop.copas"] = "lua/hoopai/loop/copas.lua",
    ["hoopai.loop.cqueues"] = "lua/hoopai/loop/cqueues.lua",
    ["hoopai.loop.custom"] = "lua/hoopai/loop/custom.lua",
    ["hoopai.loop.luv"] = "lua/hoopai/loop/luv.lua",
    ["hoopai.meta"] = "lua/hoopai/meta.lua",
    ["hoopai.oauth.app"] = "lua/hoopai/oauth/app.lua",
    ["hoopai.oauth.sha256"] = "lua/hoopai/oauth/sha256.lua",
    ["hoopai.oauth.token_manager"] = "lua/hoopai/oauth/token_manager.lua",
    ["hoopai.oauth.token_source"] = "lua/hoopai/oauth/token_source.lua",
    ["hoopai.options"] = "lua/hoopai/options.lua",
    ["hoopai.sandbox"] = "lua/hoopai/sandbox/init.lua",
    ["hoopai.sandbox.access"] = "lua/hoopai/sandbox/access.lua",
    ["hoopai.sandbox.app"] = "lua/hoopai/sandbox/app.lua",
    ["hoopai.sandbox.booking"] = "lua/hoopai/sandbox/booking.lua",
    ["hoopai.sandbox.certificate"] = "lua/hoopai/sandbox/certificate.lua",
    ["hoopai.sandbox.checks"] = "lua/hoopai/sandbox/checks.lua",
    ["hoopai.sandbox.control"] = "lua/hoopai/sandbox/control.lua",
    ["hoopai.sandbox.handlers.appointments"] = "lua/hoopai/sandbox/handlers/appointments.lua",
    ["hoopai.sandbox.handlers.block_slots"] = "lua/hoopai/sandbox/handlers/block_slots.lua",
    ["hoopai.sandbox.handlers.calendars"] = "lua/hoopai/sandbox/handlers/calendars.lua",
    ["hoopai.sandbox.handlers.events"] = "lua/hoopai/sandbox/handlers/events.lua",
    ["hoopai.sandbox.handlers.groups"] = "lua/hoopai/sandbox/handlers/groups.lua",
    ["hoopai.sandbox.handlers.notes"] = "lua/hoopai/sandbox/handlers/notes.lua",
    ["hoopai.sandbox.handlers.notifications"] = "lua/hoopai/sandbox/handlers/notifications.lua",
    ["hoopai.sandbox.handlers.resources"] = "lua/hoopai/sandbox/handlers/resources.lua",
    ["hoopai.sandbox.handlers.schedules"] = "lua/hoopai/sandbox/handlers/schedules.lua",
    ["hoopai.sandbox.issuer"] = "lua/hoopai/sandbox/issuer.lua",
    ["hoopai.sandbox.oauth"] = "lua/hoopai/sandbox/oauth.lua",
    ["hoopai.sandbox.options"] = "lua/hoopai/sandbox/options.lua",
    ["hoopai.sandbox.quirks"] = "lua/hoopai/sandbox/quirks.lua",
    ["hoopai.sandbox.rate"] = "lua/hoopai/sandbox/rate.lua",
    ["hoopai.sandbox.refuse"] = "lua/hoopai/sandbox/refuse.lua",
    ["hoopai.sandbox.router"] = "lua/hoopai/sandbox/router.lua",
    ["hoopai.sandbox.seed"] = "lua/hoopai/sandbox/seed.lua",
    ["hoopai.sandbox.server"] = "lua/hoopai/sandbox/server.lua",
    ["hoopai.sandbox.slots"] = "lua/hoopai/sandbox/slots.lua",
    ["hoopai.sandbox.store"] = "lua/hoopai/sandbox/store.lua",
    ["hoopai.sandbox.token_faults"] = "lua/hoopai/sandbox/token_faults.lua",
    ["hoopai.sandbox.views"] = "lua/hoopai/sandbox/views.lua",
    ["hoopai.sandbox.wall"] = "lua/hoopai/sandbox/wall.lua",
    ["hoopai.sandbox.wire"] = "lua/hoopai/sandbox/wire.lua",
    ["hoopai.slots"] = "lua/hoopai/slots.lua",
    ["hoopai.standard"] = "lua/hoopai/standard.lua",
    ["hoopai.store"] = "lua/hoopai/store/init.lua",
    ["hoopai.store.custom"] = "lua/hoopai/store/custom.lua",
    ["hoopai.store.file"] = "lua/hoopai/store/file.lua",
    ["hoopai.store.memory"] = "lua/hoopai/store/memory.lua",
    ["hoopai.suggest"] = "lua/hoopai/suggest.lua",
    ["hoopai.time"] = "lua/hoopai/time/init.lua",
    ["hoopai.time.gregorian"] = "lua/hoopai/time/gregorian.lua",
    ["hoopai.time.http_date"] = "lua/hoopai/time/http_date.lua",
    ["hoopai.time.zone"] = "lua/hoopai/time/zone.lua",
    ["hoopai.validate"] = "lua/hoopai/validate/init.lua",
    ["hoopai.validate.checks"] = "lua/hoopai/validate/checks.lua",
    ["hoopai.validate.json_value"] = "lua/hoopai/validate/json_value.lua",
    ["hoopai.validate.messages"] = "lua/hoopai/validate/messages.lua",
    ["hoopai.validate.problems"] = "lua/hoopai/validate/problems.lua",
    ["hoopai.validate.types"] = "lua/hoopai/validate/types.lua",
  },
  copy_directories = { "examples" },
}

test = {
  type = "command",
  command = "make test",
}

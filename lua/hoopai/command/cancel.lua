--- `hoopai cancel`: cancels an appointment.
local appointment = require "hoopai.command.lib.appointment"

local format = string.format

return {
  name = "cancel",
  summary = "cancel an appointment",
  description = [[
    Cancels an appointment: its record stays, with the status "cancelled". On a terminal the command asks first; without
    a terminal --yes is needed. An appointment that is cancelled already is left alone.
  ]],
  needs = "client",
  changes = true,
  arguments = { appointment.ARGUMENT },
  options = { appointment.YES },
  examples = { { "hoopai cancel ID", "asks, and cancels" }, { "hoopai cancel ID --dry-run", "what would be sent" } },
  run = function(context, options)
    local record, zone = appointment.read(context, options.appointment)
    local line = appointment.line(context, record, zone)
    if record.appointmentStatus == "cancelled" then
      return appointment.document(context, record, zone, { unchanged = true }),
        function(screen) screen:line("was cancelled already: " .. line) end
    end
    appointment.ask(options, format("Cancel %s?", line))
    local id = options.appointment
    local result = context:change(
      format("the cancellation of %s (%s)", line, id),
      function() return context:client().appointments:cancel(id) end
    )
    if options.dry_run then return nil end
    return appointment.document(context, result, zone, { unchanged = false }),
      function(screen) screen:line("cancelled " .. line) end
  end,
}

--- The matrix of faults: when it strikes, what happens, and whether the request is carried out.
--
-- when     before_accept   the connection is not the server's yet: it is not served, and there was no handshake
--          after_accept    after the handshake; nothing has been read
--          after_headers   the header lines are read, the body is not
--          after_body      all is read
--          after_apply     the request is carried out, no byte of a response is sent
--          mid_answer      the head and half the body of the response are sent
-- what     close           the connection ends (FIN)
--          reset           the connection is reset (RST)
--          stall           nothing, until the client goes
--          truncate        the response's head is cut off; mid_answer: its body ends too early for the protocol
--          garbage         bytes that are not the protocol's; mid_answer: a body of the right length that is not JSON
--          drip            one byte of the response per second
--          and over HTTP/2 alone: goaway, refuse, cancel (the stream is reset with REFUSED_STREAM, INTERNAL_ERROR)
-- applied  "yes"           the request is carried out; a response that is begun has status 200 or 201
--          "no"            it is not, and a response that is begun has status 422
--          "late"          it is, some time after the fault; a response that is begun has status 504
-- lies     true            with mid_answer and "no": a response that is begun has status 200 nevertheless

local matrix = {}

matrix.whens = { "before_accept", "after_accept", "after_headers", "after_body", "after_apply", "mid_answer" }
matrix.whats = { "close", "reset", "stall", "truncate", "garbage", "drip" }
matrix.applied = { "yes", "no", "late" }

local NEEDS_BYTES = { truncate = true, garbage = true, drip = true }

--- Why a fault makes no sense, nil when it does.
-- @tparam boolean tls whether the connections have a handshake
function matrix.nonsense(fault, tls)
  local is_carried_out = fault.applied ~= "no"
  if fault.when == "before_accept" then
    if tls and is_carried_out then return "without a handshake no request comes that could be carried out" end
    if not tls and NEEDS_BYTES[fault.what] then return "without a handshake this is after_accept" end
    if fault.what ~= "stall" and is_carried_out then return "a request that nobody reads is not carried out" end
  elseif fault.when == "after_accept" and fault.what == "reset" and is_carried_out then
    return "a request that nobody reads is not carried out"
  end
end

--- All faults that make sense, in a fixed order.
-- @tparam boolean tls
-- @treturn table list of { when, what, applied }
-- @treturn table reason -> how many were left out for it
function matrix.all(tls)
  local list, left_out = {}, {}
  for _, when in ipairs(matrix.whens) do
    for _, what in ipairs(matrix.whats) do
      for _, applied in ipairs(matrix.applied) do
        local fault = { when = when, what = what, applied = applied }
        local why = matrix.nonsense(fault, tls)
        if why then
          left_out[why] = (left_out[why] or 0) + 1
        else
          list[#list + 1] = fault
        end
      end
    end
  end
  return list, left_out
end

return matrix

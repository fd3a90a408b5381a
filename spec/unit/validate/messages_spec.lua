local messages = require "hoopai.validate.messages"
local validate = require "hoopai.validate"
local validation = require "spec.support.validation"

local fields_of, body_checks, field_checks = validation.fields_of, validation.body_checks, validation.field_checks
local only, problem_of = validation.only, validation.problem_of

describe("what was given", function()
  it("is printed without its secrets", function()
    local secrets = {
      "pit-1b2c3d4e-aaaa-bbbb-cccc-0123456789ab",
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
      "Bearer abcdef",
      "Basic Zm9vOmJhcg==",
      " pit-1b2c3d4e-aaaa-bbbb-cccc-0123456789ab",
      "token eyJhbGciOi.eyJzdWIiOi.x",
    }
    for _, secret in ipairs(secrets) do
      for _, field in ipairs {
        { type = "string", max_length = 2 },
        { type = "integer" },
        { type = "datetime" },
        { type = "epoch_ms" },
        { type = "boolean" },
        { type = "string", enum = { "a" } },
        { type = "date" },
        { type = "array", items = { type = "string" } },
        { type = "object" },
        { type = "number" },
      } do
        local _, details = field_checks(field).body { f = secret }
        local text = validate.message(details)
        assert.is_nil(text:find(secret, 1, true), text)
        assert.is_nil(text:find("1b2c3d4e", 1, true), text)
        assert.is_nil(text:find("eyJ", 1, true), text)
        assert.is_truthy(details[1].given:find("^a string that may be a secret"))
      end
      local _, details = field_checks({ type = "string" }).body { [secret] = 1 }
      assert.is_nil(validate.message(details):find(secret, 1, true))
    end
    local named = body_checks(fields_of { { name = "accessToken", type = "integer" } })
    local _, details = named.body { accessToken = "abc" }
    assert.are.equal("a string that may be a secret", only(details).given)
  end)

  it("cannot move a terminal's cursor", function()
    for _, char in ipairs {
      "\27",
      "\r",
      "\n",
      "\0",
      "\127",
      "\u{9B}",
      "\u{202E}",
      "\u{200B}",
      "\u{FEFF}",
      "\u{2066}",
    } do
      local _, details = field_checks({ type = "string", enum = { "a" } }).body { f = "x" .. char, ["y" .. char] = 1 }
      local text = validate.message(details)
      assert.is_nil(text:gsub("\n", "", 3):find(char, 1, true))
      assert.is_nil(text:find("[%z\1-\9\11-\31\127]"))
    end
  end)

  it("is cut between characters", function()
    local detail = problem_of({ type = "integer" }, ("ä"):rep(100))
    assert.are.equal('"' .. ("ä"):rep(20) .. '..." (200 bytes)', detail.given)
    detail = problem_of({ type = "integer" }, "x" .. ("ä"):rep(100))
    assert.are.equal('"x' .. ("ä"):rep(19) .. '..." (201 bytes)', detail.given)
    detail = problem_of({ type = "integer" }, ("\u{1F600}"):rep(100))
    assert.is_truthy(utf8.len(detail.given))
  end)
end)

describe("validate.message", function()
  local detail = { path = "timeZone", problem = "unknown field, did you mean `timezone`?", suggestion = "timezone" }
  local other = { path = "a[1].b", problem = "must be one of 0, 1", given = "2", expected = "one of 0, 1" }

  it("is one line for one problem", function()
    assert.are.equal(
      "calendars:free_slots: timeZone: unknown field, did you mean `timezone`?",
      validate.message({ detail }, "calendars:free_slots")
    )
    assert.are.equal("timeZone: unknown field, did you mean `timezone`?", validate.message { detail })
    assert.are.equal(
      "x:y: the body is missing",
      validate.message({ { path = "", problem = "the body is missing" } }, "x:y")
    )
    assert.are.equal("a[1].b: must be one of 0, 1 (given: 2)", validate.message { other })
  end)

  it("is a list for several", function()
    local two = "2 problems:\n  timeZone: unknown field, did you mean `timezone`?"
      .. "\n  a[1].b: must be one of 0, 1 (given: 2)"
    assert.are.equal("x:y has " .. two, validate.message({ detail, other }, "x:y"))
    assert.are.equal(two, validate.message { detail, other })
    assert.are.equal(
      "x:y has 8 problems:\n  a[1].b: must be one of 0, 1 (given: 2)\n  and 7 more",
      validate.message({ other, more = 7 }, "x:y")
    )
  end)

  it(
    "does not repeat what the problem quotes",
    function()
      assert.are.equal(
        "t: 5 looks like seconds",
        validate.message {
          { path = "t", problem = "5 looks like seconds", given = "5", expected = "an instant" },
        }
      )
    end
  )
end)

describe("the advice on a window across a clock change", function()
  local MINUTE = 60000

  it("is given for an excess of half an hour to two hours, and says what to write", function()
    for _, minutes in ipairs { 30, 60, 120 } do
      assert.are.equal(
        "; calendar days are longer where the clocks are set back meanwhile (summer time ends): at most 744 hours, "
          .. "write startDate + hoopai.time.hours(744)",
        messages.clock_advice("startDate", 31, minutes * MINUTE)
      )
    end
    for _, minutes in ipairs { 1, 28, 121, 1440 } do
      assert.are.equal("", messages.clock_advice("startDate", 31, minutes * MINUTE))
    end
  end)
end)

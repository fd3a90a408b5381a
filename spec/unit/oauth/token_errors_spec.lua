-- The errors of an exchange of tokens.

local errors = require "hoopai.errors"
local token_errors = require "hoopai.oauth.token_errors"

describe("hoopai.oauth.token_errors:", function()
  it("of a store have its text, and whether the token was renewed", function()
    local err = token_errors.store("the disk is full", "yes")
    assert.are.equal("store", err.kind)
    assert.are.equal("the disk is full", err.message)
    assert.are.equal("yes", err.applied)
    assert.are.equal("true", token_errors.store(true).message)
  end)

  it("of a dead grant name it, and say that a person must sign in", function()
    local cause = errors.new { kind = "auth", message = "no" }
    local err = token_errors.reauth("of location l1", "there is no grant", cause)
    assert.are.equal("reauth_required", err.kind)
    assert.are.equal("there is no grant of location l1: a person must sign in", err.message)
    assert.are.equal(cause, err.cause)
  end)

  it("of a refused refresh token say whether an earlier response was lost", function()
    local plain = token_errors.refused("of location l1", false)
    local text = "the token endpoint no longer accepts the grant of location l1: a person must sign in"
    assert.are.equal(text, plain.message)
    local unclear = token_errors.refused("of location l1", true)
    assert.matches(
      "^the answer to an exchange was lost .*, the grant of location l1: a person must sign in$",
      unclear.message
    )
    assert.are.equal("reauth_required", unclear.kind)
  end)

  it("of a response without access token say that the refresh token is kept", function()
    local err = token_errors.no_access_token()
    assert.are.equal("decode", err.kind)
    assert.matches("its refresh_token is kept$", err.message)
  end)
end)

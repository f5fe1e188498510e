-- Revokes every token that was issued to a user so far. A second revocation is at least a second later than the first,
-- because tokens that were issued in between have an `iat` after the first one.
--
-- KEYS[1]  <prefix>revoked-before:<login id>
-- ARGV[1]  the latest `iat` of a token that can have been issued by now, in seconds
-- ARGV[2]  how long the revocation is kept, ms
-- Returns  the second up to which the user's tokens are revoked now
local second = tonumber(ARGV[1])
local held = tonumber(redis.call('GET', KEYS[1]) or '')
if held and held >= second then second = held + 1 end
redis.call('SET', KEYS[1], string.format('%.0f', second), 'PX', ARGV[2])
return second

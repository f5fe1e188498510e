-- READ, for what a plain HMGET could not answer: step READ of src/coherence/DESIGN.md.
--
-- A crash after any command leaves a hash that says "ask the database".
--
-- KEYS[1]  the user's hash
-- ARGV[1]  a fresh random token, used if the hash has no lease token
-- ARGV[2]  COHERENCE_TOKEN_MS: the lifetime of a hash that holds only a lease token, ms
-- Returns  { 'hit', value } | { 'ask' } | { 'miss', lease token, epoch in hex } | { 'stale', mark }
local key = KEYS[1]
local current, current_hex = epoch()
local held_epoch, flag, value, token, mark = unpack(redis.call('HMGET', key, 'e', 'n', 'v', 't', 's'))
if held_epoch ~= current then
  value, token = false, drop_value(key, current, ARGV[1])
end
local writers = live_markers(key, flag, '')
if stale_for(key, mark) > 0 then return { 'stale', mark } end
if writers > 0 then return { 'ask' } end
if value then return { 'hit', value } end
if not token then
  token = fresh(ARGV[1])
  redis.call('HSET', key, 't', token)
end
redis.call('PEXPIRE', key, ARGV[2])
return { 'miss', token, current_hex }

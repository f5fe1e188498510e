-- BEGIN: announces a write before the database is touched. From now on no lookup hits or fills the hash, until the writer
-- ends or its marker lapses. Each run sets a new lease token, so that END can tell whether anything has happened since the
-- run whose answer the writer received. The value that was removed shows whether the caller may have read a stale one.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  the writer's id
-- ARGV[2]  a fresh random token
-- ARGV[3]  COHERENCE_QUARANTINE_MS: the lifetime of the marker, ms
-- ARGV[4]  optional: the lease token that a caller has seen who may run BEGIN several times. ARGV[2] is the same in each of
--          these runs, and the new lease token begins with it only if the one before is ARGV[4], or begins with it too
-- Returns  { 1 the only writer | 0 not, epoch in hex, lease token, 1 stale mark | 0 none, the lease token before or false,
--            the value that was removed or false }
local key = KEYS[1]
local marker = 'w:' .. ARGV[1]
local current, current_hex = epoch()
local held_epoch, flag, mark, held_token, value = unpack(redis.call('HMGET', key, 'e', 'n', 's', 't', 'v'))
local others = live_markers(key, flag, marker)
local stale = stale_for(key, mark)
if held_epoch ~= current then held_token, value = false, false end
local lapses = string.format('%.0f', now + tonumber(ARGV[3]))
local follows = not ARGV[4] or held_token == ARGV[4] or string.find(held_token or '', ARGV[2] .. ':', 1, true) == 1
local token = drop_value(key, current, follows and ARGV[2] or ARGV[1], marker, lapses, 'n', '1')
if redis.call('PTTL', key) < tonumber(ARGV[3]) then redis.call('PEXPIRE', key, ARGV[3]) end
return { others == 0 and 1 or 0, current_hex, token, stale > 0 and 1 or 0, held_token, value }

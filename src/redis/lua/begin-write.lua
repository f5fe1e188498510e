-- BEGIN: announces a write before the database is touched. From here on no reader believes or fills the
-- hash, until the writer ends, or its marker lapses after Q. Each run sets another token, so that END can tell
-- whether anything has happened since the run whose answer the writer got. What the hash held before shows whether the
-- caller may have been told another value than the row holds.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  the writer's id
-- ARGV[2]  a fresh random token
-- ARGV[3]  Q: how long the marker stands, ms
-- Returns  { 1 the only writer | 0 not, epoch in hex, token, 1 marked as stale | 0 not, the token before or false,
--            the value that was believed or false }
local key = KEYS[1]
local marker = 'w:' .. ARGV[1]
local current, current_hex = epoch()
local held_epoch, flag, mark, held_token, value = unpack(redis.call('HMGET', key, 'e', 'n', 's', 't', 'v'))
local others = live_markers(key, flag, marker)
local stale = stale_for(key, mark)
if held_epoch ~= current then held_token, value = false, false end
local lapses = string.format('%.0f', now + tonumber(ARGV[3]))
local token = drop_value(key, current, ARGV[2], marker, lapses, 'n', '1')
if redis.call('PTTL', key) < tonumber(ARGV[3]) then redis.call('PEXPIRE', key, ARGV[3]) end
return { others == 0 and 1 or 0, current_hex, token, stale > 0 and 1 or 0, held_token, value }

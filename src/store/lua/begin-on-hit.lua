-- BEGIN, where the hash is a hit and so tells the writer what the row holds. The writer is the only one, or there
-- would be no hit. A hash that is none is left as it is, and one that is not there is not made.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  the writer's id
-- ARGV[2]  a fresh random token
-- ARGV[3]  Q: how long the marker stands, ms
-- Returns  { epoch in hex, token, the value that was there } | {} no hit
local key = KEYS[1]
local held_epoch, flag, value = unpack(redis.call('HMGET', key, 'e', 'n', 'v'))
if flag or not value then return {} end
local current, current_hex = epoch()
if held_epoch ~= current then return {} end
return { current_hex, announce(key, current, ARGV[2], 'w:' .. ARGV[1], ARGV[3]), value }

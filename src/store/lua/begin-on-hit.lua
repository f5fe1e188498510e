-- BEGIN, where the hash is a hit with another value than the new one, and so tells the writer what the row holds. The
-- writer is the only one, or there would be no hit. Any other hash is left as it is, and none is made.
--
-- Run again because the first answer was lost, it finds no hit any more, but its own marker.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  the writer's id
-- ARGV[2]  a fresh random token
-- ARGV[3]  Q: how long the marker stands, ms
-- ARGV[4]  the new value
-- Returns  { epoch in hex, token, the value that was there } | {} no such hit | { 'begun' } by an earlier run
local key = KEYS[1]
local marker = 'w:' .. ARGV[1]
local held_epoch, flag, value = unpack(redis.call('HMGET', key, 'e', 'n', 'v'))
if flag and redis.call('HGET', key, marker) then return { 'begun' } end
if flag or not value or value == ARGV[4] then return {} end
local current, current_hex = epoch()
if held_epoch ~= current then return {} end
return { current_hex, announce(key, current, ARGV[2], marker, ARGV[3]), value }

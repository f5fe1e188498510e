-- FILL: stores what a lookup read from the database, unless anything has happened since it missed.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  the epoch that READ returned
-- ARGV[2]  the lease token that READ returned
-- ARGV[3]  the value, not empty
-- ARGV[4]  the lifetime of the value, ms; 0 keeps it
-- Returns  1 stored | 0 not: another epoch, another lease token, a writer, or there is a value already
local key = KEYS[1]
local current, current_hex = epoch()
local held = redis.call('HMGET', key, 'e', 't', 'n', 'v')
if current_hex ~= ARGV[1] or held[1] ~= current or held[2] ~= ARGV[2] or held[3] or held[4] then return 0 end
set_value(key, ARGV[3], ARGV[4])
return 1

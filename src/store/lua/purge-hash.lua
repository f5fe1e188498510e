-- Forgets the value, so that the next reader asks the database. Markers stay: a writer under way is still
-- announced. So does the mark of a stale hash. A hash that is not there is not made.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  a fresh random token
-- ARGV[2]  F: how long a hash lives that holds only a token, ms
-- Returns  1 there was a hash | 0 there was none
local key = KEYS[1]
local held_epoch, flag, mark = unpack(redis.call('HMGET', key, 'e', 'n', 's'))
if not held_epoch then return 0 end
drop_value(key, epoch(), ARGV[1])
if live_markers(key, flag, '') == 0 then keep_empty(key, ARGV[2], stale_for(key, mark)) end
return 1

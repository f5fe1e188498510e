-- Forgets the value, so that the next reader asks the database. Markers stay: a writer under way is still
-- announced. A hash that is not there is not made.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  a fresh random token
-- ARGV[2]  F: how long a hash lives that holds only a token, ms
-- Returns  1 there was a hash | 0 there was none
local key = KEYS[1]
local held_epoch, flag = unpack(redis.call('HMGET', key, 'e', 'n'))
if not held_epoch then return 0 end
drop_value(key, epoch(), ARGV[1])
if live_markers(key, flag, '') == 0 then redis.call('PEXPIRE', key, ARGV[2]) end
return 1

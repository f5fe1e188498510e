-- Forgets the value, so that the next reader asks the database. Markers stay: a writer under way is still
-- announced. So does the mark of a stale hash. A hash that is not there is not made. A key that holds another type is
-- none of ours, and would fail every other script: it is replaced by one that expires at once, since a sidecar's
-- account need not have the right to delete.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  a fresh random token
-- ARGV[2]  F: how long a hash lives that holds only a token, ms
-- Returns  1 there was a hash | 0 there was none | 2 there was a key of another type
local key = KEYS[1]
local held = redis.pcall('HMGET', key, 'e', 'n', 's')
if held.err and string.find(held.err, 'WRONGTYPE', 1, true) then
  redis.call('SET', key, '', 'PX', 1)
  return 2
end
if held.err then return held end
local held_epoch, flag, mark = unpack(held)
if not held_epoch then return 0 end
drop_value(key, epoch(), ARGV[1])
if live_markers(key, flag, '') == 0 then keep_empty(key, ARGV[2], stale_for(key, mark)) end
return 1

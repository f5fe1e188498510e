-- Removes the value, so that the next lookup asks the database. Markers of writers in flight, the write lock and the stale
-- mark stay. A hash that does not exist is not created. A key of another type is not ours, and would make every other script
-- fail: it is replaced by one that expires at once, since the account of a sidecar need not have the privilege to delete.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  a fresh random token
-- ARGV[2]  COHERENCE_TOKEN_MS: the lifetime of a hash that holds only a lease token, ms
-- Returns  1 there was a hash | 0 there was none | 2 there was a key of another type | 3 the hash has a write lock
local key = KEYS[1]
local held = redis.pcall('HMGET', key, 'e', 'n', 's', 'x')
if held.err and string.find(held.err, 'WRONGTYPE', 1, true) then
  redis.call('SET', key, '', 'PX', 1)
  return 2
end
if held.err then return held end
local held_epoch, flag, mark, lock = unpack(held)
if not held_epoch then return 0 end
drop_value(key, epoch(), ARGV[1])
if live_markers(key, flag, '') == 0 then expire_empty(key, ARGV[2], stale_for(key, mark)) end
return is_locked(key, lock) and 3 or 1

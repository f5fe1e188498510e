-- END: the outcome of the write is known. Removes the writer's marker and write lock, and stores what the row holds if no
-- other writer overlapped and the hash has no stale mark. If it runs twice, or after the marker has lapsed, it removes the
-- value instead.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  the writer's id
-- ARGV[2]  the epoch that BEGIN returned
-- ARGV[3]  the lease token that BEGIN set
-- ARGV[4]  a fresh random token
-- ARGV[5]  what the row holds, or '' to store nothing
-- ARGV[6]  the lifetime of the value, ms; 0 keeps it
-- ARGV[7]  COHERENCE_TOKEN_MS: the lifetime of a hash that holds only a lease token, ms
-- Returns  1 stored | 0 not
local key = KEYS[1]
local held_epoch, held_token, flag, mark, lock = unpack(redis.call('HMGET', key, 'e', 't', 'n', 's', 'x'))
if not held_epoch then return 0 end
if lock and string.match(lock, ':(.*)') == ARGV[1] then redis.call('HDEL', key, 'x') end
local marker = 'w:' .. ARGV[1]
local current, current_hex = epoch()
local others, mine = live_markers(key, flag, marker)
-- Whether the marker has protected the hash ever since BEGIN.
local is_protected = mine and ARGV[2] == current_hex and held_epoch == current
if not is_protected then drop_value(key, current, ARGV[4]) end
if others > 0 then
  redis.call('HDEL', key, marker)
  return 0
end
redis.call('HDEL', key, marker, 'n')
local stale = stale_for(key, mark)
if not is_protected or held_token ~= ARGV[3] or ARGV[5] == '' or stale > 0 then
  expire_empty(key, ARGV[7], stale)
  return 0
end
set_value(key, ARGV[5], ARGV[6])
return 1

-- BEGIN: announces a write before the database is touched. From now on no lookup hits or fills the hash, until the writer
-- ends or its marker lapses. Each run sets a new lease token, so that END can tell whether anything has happened since the
-- run whose answer the writer received. The value that was removed shows whether the caller may have read a stale one.
-- Changes nothing if another writer has the write lock.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  the writer's id
-- ARGV[2]  a fresh random token
-- ARGV[3]  COHERENCE_QUARANTINE_MS: the lifetime of the marker, ms
-- ARGV[4]  optional: the lease token that a caller has seen who may run BEGIN several times. ARGV[2] is the same in each of
--          these runs, and the new lease token begins with it only if the one before is ARGV[4], or begins with it too
--          and no lookup has filled the hash since. Only then does the writer get the write lock
-- ARGV[5]  with ARGV[4]: the lifetime of the write lock, ms
-- Returns  { 1 the only writer | 0 not, epoch in hex, lease token, 1 stale mark | 0 none, the lease token before or false,
--            the value that was removed or false } | false if another writer has the write lock
local key = KEYS[1]
local marker = 'w:' .. ARGV[1]
local current, current_hex = epoch()
local held_epoch, flag, mark, held_token, value, lock = unpack(redis.call('HMGET', key, 'e', 'n', 's', 't', 'v', 'x'))
if held_epoch ~= current then held_token, value = false, false end
local runs_again = ARGV[4] and not value and string.find(held_token or '', ARGV[2] .. ':', 1, true) == 1
if is_locked(key, lock) and not runs_again then return false end
local others = live_markers(key, flag, marker)
local stale = stale_for(key, mark)
local gets_lock = runs_again or ARGV[4] and held_token == ARGV[4]
local keeps_name = gets_lock or not ARGV[4]
local token = drop_value(key, current, keeps_name and ARGV[2] or ARGV[1], marker, lapse_in(ARGV[3]), 'n', '1')
-- Without the writer's id no END removes the lock, since the UPDATE of an earlier run may still be in flight. That run may
-- have had a longer time limit, so the lock never lapses sooner than it would have.
if gets_lock then
  local held_until = runs_again and lock and string.match(lock, '^%d+') or '0'
  local lapses = math.max(now + tonumber(ARGV[5]), tonumber(held_until))
  redis.call('HSET', key, 'x', string.format('%.0f:', lapses) .. (runs_again and '' or ARGV[1]))
end
if redis.call('PTTL', key) < tonumber(ARGV[3]) then redis.call('PEXPIRE', key, ARGV[3]) end
return { others == 0 and 1 or 0, current_hex, token, stale > 0 and 1 or 0, held_token, value }

-- Sets the stale mark, because the value contradicted the row. Sessions and writes are refused until a lookup has read the
-- row, or the mark lapses. Does nothing if a write or a purge has begun since the lease token was read.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  the lease token that the hash had beside the value
-- ARGV[2]  a fresh random token
-- ARGV[3]  COHERENCE_QUARANTINE_MS: the lifetime of the mark, ms
-- Returns  1 marked, by this run or an earlier run of the same command | 0 not: another epoch, another lease token, or no hash
local key = KEYS[1]
local held_epoch, held_token, mark, flag = unpack(redis.call('HMGET', key, 'e', 't', 's', 'n'))
if mark and string.find(mark, ':' .. ARGV[2], 1, true) then return 1 end
local current = epoch()
if held_epoch ~= current or held_token ~= ARGV[1] then return 0 end
drop_value(key, current, ARGV[2], 's', string.format('%.0f:', now + tonumber(ARGV[3])) .. ARGV[2])
-- The mark lapses with the hash, unless a writer is announced in it.
if not flag or redis.call('PTTL', key) < tonumber(ARGV[3]) then redis.call('PEXPIRE', key, ARGV[3]) end
return 1

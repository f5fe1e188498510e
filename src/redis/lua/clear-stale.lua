-- Removes a stale mark, because a lookup has read the row since it found the mark. Any other mark stays.
--
-- KEYS[1]  the user's hash
-- ARGV[1]  the mark that READ returned
-- Returns  1 the mark was removed | 0 it was not there any more
if redis.call('HGET', KEYS[1], 's') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[1], 's')

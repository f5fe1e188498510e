-- Lets a request that is known to have failed run once more: of several copies, one.
--
-- KEYS[1]  <prefix>seen:<mac>
-- ARGV[1]  what is held after a failure
-- ARGV[2]  what is held while the request runs
-- Returns  1 this copy may run | 0 another one does, or it has succeeded
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1

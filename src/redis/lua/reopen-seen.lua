-- Lets a request run once more after its use is known to have failed. Of several copies, only one may run.
--
-- KEYS[1]  <prefix>seen:<mac>
-- ARGV[1]  the value after a failure
-- ARGV[2]  the value while the request runs
-- Returns  1 this copy may run | 0 another one does, or the request has succeeded
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1

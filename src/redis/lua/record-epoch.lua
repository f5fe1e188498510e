-- Records when any sidecar first saw an epoch. Later callers learn its age.
--
-- KEYS[1]  <prefix>epoch:<epoch in hex>
-- ARGV[1]  how long the record is kept, ms
-- Returns  milliseconds since the record was made
redis.call('SET', KEYS[1], string.format('%.0f', now), 'NX', 'PX', ARGV[1])
return now - tonumber(redis.call('GET', KEYS[1]))

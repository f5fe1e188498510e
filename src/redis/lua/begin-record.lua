-- Returns since when this server's record of revocations is complete. The record of another epoch is complete only if it
-- was loaded from an append-only file by a server that has not just been promoted, since a replica may lag. Otherwise the
-- record begins now, and every token that was issued before counts as revoked.
--
-- KEYS[1]  <prefix>revoked-before-all:<number>
-- ARGV[1]  the latest `iat` of a token that can have been issued by now, in seconds
-- Returns  "<second up to which every token is revoked> <epoch in hex>", which is now the value of the key
local _, current = epoch()
local held, recorded = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%x+)$')
local second = tonumber(held)
if recorded ~= current then
  local info = redis.call('INFO', 'persistence') .. redis.call('INFO', 'replication')
  local is_kept = info_field(info, 'aof_enabled:') == '1' and string.match(info_field(info, 'master_replid2:'), '^0+$')
  -- Tokens issued since the record began have an `iat` after that second.
  if not (second and is_kept) then second = math.max(tonumber(ARGV[1]), second and second + 1 or 0) end
end
local record = string.format('%.0f %s', second, current)
redis.call('SET', KEYS[1], record)
return record

-- Shared by every script, and put before each of them: the epoch, the clock, the markers.

-- The epoch of the server that runs this: 8 bytes that change when it restarts (run_id) or is promoted
-- (master_replid). A hash from another epoch may be older than the database.
local function epoch()
  local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
  local replid = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or ''
  local digest = string.sub(redis.sha1hex(run_id .. ':' .. replid), 1, 16)
  local bytes = string.gsub(digest, '%x%x', function(pair) return string.char(tonumber(pair, 16)) end)
  return bytes
end

-- Milliseconds since the Unix epoch, by the clock of Redis.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Removes lapsed markers, and the flag with the last one. Answers how many live markers there are besides
-- `own`, and whether `own` is one.
local function live_markers(key, now, own)
  if redis.call('HEXISTS', key, 'n') == 0 then return 0, false end
  local fields = redis.call('HGETALL', key)
  local others, mine = 0, false
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 2) == 'w:' then
      if tonumber(fields[i + 1]) <= now then
        redis.call('HDEL', key, fields[i])
      elseif fields[i] == own then
        mine = true
      else
        others = others + 1
      end
    end
  end
  if others == 0 and not mine then redis.call('HDEL', key, 'n') end
  return others, mine
end

-- A token that no run has set before, not even an earlier run of the same command: what the caller drew, and
-- the instant.
local function fresh(token)
  local time = redis.call('TIME')
  return token .. ':' .. time[1] .. ':' .. time[2]
end

-- The value is not to be believed, and no fill that is under way may land. Markers stay. Answers the new token.
local function drop_value(key, current, token)
  local unused = fresh(token)
  redis.call('HDEL', key, 'v')
  redis.call('HSET', key, 'e', current, 't', unused)
  return unused
end

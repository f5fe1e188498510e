-- Shared by every script, and put before each of them: the epoch, the clock, the markers. Whatever asks Redis for
-- something costs half a microsecond, so each is asked once.

-- The clock of Redis, which stands still while a script runs; in milliseconds since the Unix epoch.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- What one line of INFO says: a plain search takes half the time of a pattern.
local function said_in(info, name)
  local _, last = string.find(info, name, 1, true)
  return last and string.match(info, '^%w*', last + 1) or ''
end

-- The epoch of the server that runs this: 8 bytes that change when it restarts (run_id) or is promoted
-- (master_replid), and that differ between installations: scripts.ts defines `installation` before this text. A hash
-- from another epoch may be older than the database, or hold what another database knows of the login id. Answered as a hash holds it, and in
-- hex, as scripts and sidecars tell it to each other.
local function epoch()
  local info = redis.call('INFO', 'server', 'replication')
  local identity = said_in(info, 'run_id:') .. ':' .. said_in(info, 'master_replid:') .. installation
  local hex = string.sub(redis.sha1hex(identity), 1, 16)
  return struct.pack('>I4I4', tonumber(string.sub(hex, 1, 8), 16), tonumber(string.sub(hex, 9), 16)), hex
end

-- Removes lapsed markers, and the flag `n` with the last one; `flag` is what the hash holds there. Answers how many
-- live markers there are besides `own`, and whether `own` is one.
local function live_markers(key, flag, own)
  if not flag then return 0, false end
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
  return token .. ':' .. time[1] .. ':' .. time[2]
end

-- The value is not to be believed, and no fill that is under way may land. Markers stay. Sets the fields and values
-- that are given besides, and answers the new token.
local function drop_value(key, current, token, ...)
  local unused = fresh(token)
  redis.call('HDEL', key, 'v')
  redis.call('HSET', key, 'e', current, 't', unused, ...)
  return unused
end

-- How much longer the hash is marked as stale, in ms, or 0; `mark` is what the hash holds there: when it lapses, and
-- what tells it from other marks. A lapsed mark is removed.
local function stale_for(key, mark)
  if not mark then return 0 end
  local left = tonumber(string.match(mark, '^%d+')) - now
  if left > 0 then return left end
  redis.call('HDEL', key, 's')
  return 0
end

-- Lets a hash without a value live for `life`, in ms, or for as long as it is marked as stale.
local function keep_empty(key, life, stale)
  redis.call('PEXPIRE', key, string.format('%.0f', math.max(tonumber(life), stale)))
end

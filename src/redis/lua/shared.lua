-- Shared by every script, and put in front of each of them: the epoch, the clock, the markers. Each call of Redis costs half
-- a microsecond, so none is made twice.

-- The clock of Redis in milliseconds since the Unix epoch. It stands still while a script runs.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- Returns the value of a field of INFO; `name` ends with a colon. A plain search takes half the time of a pattern.
local function info_field(info, name)
  local _, last = string.find(info, name, 1, true)
  return last and string.match(info, '^%w*', last + 1) or ''
end

-- Returns the epoch of this server as a hash holds it, and in hex, as scripts return it. These eight bytes change when the
-- server restarts (run_id) or is promoted (master_replid), and they differ between installations: scripts.ts defines
-- `installation` in front of this text. A hash of another epoch may be older than the database, or may hold what another
-- database knows of the login id.
local function epoch()
  local info = redis.call('INFO', 'server', 'replication')
  local identity = info_field(info, 'run_id:') .. ':' .. info_field(info, 'master_replid:') .. installation
  local hex = string.sub(redis.sha1hex(identity), 1, 16)
  return struct.pack('>I4I4', tonumber(string.sub(hex, 1, 8), 16), tonumber(string.sub(hex, 9), 16)), hex
end

-- Removes lapsed markers, and the field `n` with the last one; `flag` is the value of `n`. Returns how many other markers
-- there are besides `own`, and whether `own` is there.
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

-- Returns a lease token that no run has set before, not even an earlier run of the same command: the caller's random text
-- and the instant.
local function fresh(token)
  return token .. ':' .. time[1] .. ':' .. time[2]
end

-- Removes the value and changes the lease token, so that no fill in flight is accepted. Markers stay. Sets the given fields
-- as well, and returns the new lease token.
local function drop_value(key, current, token, ...)
  local unused = fresh(token)
  redis.call('HDEL', key, 'v')
  redis.call('HSET', key, 'e', current, 't', unused, ...)
  return unused
end

-- Stores a value that expires after `life`, in ms, or never if `life` is '0'.
local function set_value(key, value, life)
  redis.call('HSET', key, 'v', value)
  if life == '0' then redis.call('PERSIST', key) else redis.call('PEXPIRE', key, life) end
end

-- Returns how much longer the stale mark stands, in ms, or 0. `mark` is the value of `s`: when it lapses, and a random text.
-- A lapsed mark is removed.
local function stale_for(key, mark)
  if not mark then return 0 end
  local left = tonumber(string.match(mark, '^%d+')) - now
  if left > 0 then return left end
  redis.call('HDEL', key, 's')
  return 0
end

-- Returns whether a write lock stands. `lock` is the value of `x`: when it lapses, and the id of the writer whose END removes
-- it, if any. A lapsed lock is removed.
local function is_locked(key, lock)
  if not lock then return false end
  if tonumber(string.match(lock, '^%d+')) > now then return true end
  redis.call('HDEL', key, 'x')
  return false
end

-- Returns the instant at which something lapses that lives for `life`, in ms.
local function lapse_in(life)
  return string.format('%.0f', now + tonumber(life))
end

-- Sets the lifetime of a hash without a value to `life`, in ms, or to that of its stale mark if that is longer.
local function expire_empty(key, life, stale)
  redis.call('PEXPIRE', key, string.format('%.0f', math.max(tonumber(life), stale)))
end

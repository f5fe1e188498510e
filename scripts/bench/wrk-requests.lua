-- Sends the requests of a file unchanged, in order and each once. In the file they are separated by NUL.
-- At the end it prints one line of JSON.
--
-- Arguments: the file; the maximum pause of a connection before its next request, in ms. Pauses are uniform from 0.

local thread

function setup(only)
  thread = only
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  requests = {}
  for request in string.gmatch(file:read("*a"), "[^%z]+") do requests[#requests + 1] = request end
  file:close()
  served = 0
  local longest = tonumber(args[2])
  -- wrk checks whether this function is defined after init has run.
  if longest > 0 then
    function delay()
      return math.random(0, longest)
    end
  end
end

-- After the last request, it is sent again, and the report says that the requests ran out.
function request()
  served = served + 1
  return requests[served] or requests[#requests]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"bytes":%d,"p50Us":%d,"p95Us":%d,"p99Us":%d,"statusErrors":%d,"socketErrors":%d,"sent":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50), latency:percentile(95), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    thread:get("served")
  ))
end

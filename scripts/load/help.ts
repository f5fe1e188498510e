export const help = `Measures how fast your running sidecar answers under a load that you choose.

  bun run loadtest
      100 lookups per second of the demo user, for 30 s
  bun run loadtest --rate 500 --login-id 'user{1..10000}@example.com' \\
      --p99 20ms --errors 0
  bun run loadtest --ramp 100..2000 --duration 2m --users login-ids.txt \\
      --report load.html

How much and how long
  --rate N             requests per second (default 100)
  --ramp FROM..TO      a rate that rises or falls over the duration
  --duration TIME      30s, 5m, 1h; at most 24h (default 30s)
  --profile soak       a long test (default 1h) that compares its end with
                       its beginning
  --warm-up TIME       load before the measurement, which is not counted
                       (default 2s)
  --arrivals KIND      poisson: at random, as independent people arrive
                       (default); even: at equal intervals
  --connections N      requests in flight at once, each on its own connection
                       (default 256)
  --timeout TIME       limit for an answer, and for how long a request may wait
                       for a connection (default 5s)

What is requested
  --mix SHARES         get=90,set=5,session=5 (default get=100). set OVERWRITES
                       the OwnID data of the users below: use it only for users
                       that were made for tests
  --login-id PATTERN   one login id, or many: 'user{1..10000}@example.com'
                       (default: the demo user)
  --users FILE         file with one login id per line
  --value-bytes N      size of the values that set writes (default 1024)

Where
  --url URL            where the sidecar is (default: what HOST, PORT and
                       BASE_PATH say)
  --i-own-this-host H  the host of --url, if it is not this machine. Without it,
                       every other machine is refused

What is required
  --p50 --p90 --p95 --p99 --p999 TIME
                       the highest latency allowed, such as --p99 20ms
  --errors N or N%     the most errors allowed, such as --errors 0 or
                       --errors 0.1%
  --min-rate N         the fewest answers per second allowed

What is shown
  --report FILE.html   write a report with plots into one HTML file
  --json               print the result as JSON

A request is sent when it is due, whether or not the earlier ones have been
answered, and its latency is measured from when it was due. A server that stalls
therefore shows in the percentiles. Requests are signed with OWNID_SHARED_SECRET
or with the secret that development generated, so run this where the sidecar
runs. One lookup is made and checked before the load. Ctrl-C ends the test and
shows what was measured; a second Ctrl-C ends it at once.

Exits 0 if every threshold holds. Exits 1 if one does not, if nothing answers or
if the test was interrupted. Exits 2 on wrong usage, 78 if the shared secret or
another setting is wrong.
`;

export const help = `Measures how fast your running sidecar answers, under a load that you choose.

  bun run loadtest                                      100 requests/s for 30 s, lookups of the demo user
  bun run loadtest --rate 500 --login-id 'user{1..10000}@example.com' --p99 20ms --errors 0
  bun run loadtest --ramp 100..2000 --duration 2m --users login-ids.txt --report load.html

How much, how long
  --rate N             requests a second (default 100)
  --ramp FROM..TO      a rate that rises, or falls, over the duration
  --duration TIME      30s, 5m, 1h: at most 24h (default 30s)
  --profile soak       a long test: an hour unless --duration says otherwise; compares its end with its beginning
  --warm-up TIME       load before the measurement that is not counted (default 2s)
  --arrivals KIND      poisson: at random, as independent people come (default); even: at one distance
  --connections N      requests on their way at once, each on its connection (default 256)
  --timeout TIME       how long an answer may take, and a request may wait for a connection (default 5s)

What
  --mix SHARES         get=90,set=5,session=5 (default get=100)
                       set OVERWRITES the OwnID data of the users below. Only for users made for tests.
  --login-id PATTERN   one login id, or many: 'user{1..10000}@example.com' (default: the demo user)
  --users FILE         login ids, one a line
  --value-bytes N      size of the values that set writes (default 1024)

Where
  --url URL            where the sidecar is (default: from HOST, PORT and BASE_PATH)
  --i-own-this-host H  anything but this machine is refused, unless this names the very host of --url

What must hold
  --p50 --p90 --p95 --p99 --p999 TIME    so long at most, such as --p99 20ms
  --errors N or N%                       so many at most, such as --errors 0 or --errors 0.1%
  --min-rate N                           so many answers a second at least

What comes out
  --report FILE.html   a report with plots, one file, to be opened in a browser
  --json               print the result as JSON

Requests are sent when they are due, whether or not those before have been answered, and latency is measured from
when a request was due: a server that stalls shows in the percentiles. They are signed with OWNID_SHARED_SECRET, or
with the secret that development has made, so run this where the sidecar runs. Before the load, one lookup is made
and checked. Ctrl-C ends the test and shows what was measured; a second one ends at once.

Exits 0 if every threshold holds, 1 if one does not, if nothing answers or if the test was interrupted, 2 on wrong
usage, 78 if the shared secret or another setting is wrong.
`;

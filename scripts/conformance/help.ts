export const help = `Examines whether a server answers OwnID's three calls as OwnID's contract says:
this sidecar, or endpoints that your team has written.

  bun run conformance http://127.0.0.1:3300/ownid
  bun run conformance https://staging.example.com/ownid \\
      --i-own-this-host staging.example.com --user test@example.com
  bun run conformance http://127.0.0.1:3300/ownid --report conformance.html

  --profile NAMES      what to examine, comma-separated (default: all)
                         basic   statuses and bodies
                         signed  signature, time window, secrets
                         safe    replay, other endpoints, sizes, malformed
                                 input, what answers give away
                         fresh   whether a lookup sees what was set, also
                                 while others set
                         future  unknown fields and session types, blocked
                                 users, other kinds of login ids
  --user ID            an existing user (default: sol@testmail.com). The cases
                       OVERWRITE this user's data. The old data is restored at
                       the end, also after a failure or Ctrl-C
  --blocked-user ID    a user whom the site has blocked, for the case of that
                       name; nothing is written
  --replay ID          run one case again and show every request, its answer and
                       a curl command
  --i-own-this-host H  the host of the base URL, if it is not this machine.
                       Without it, every other machine is refused
  --report FILE.html   write a page that opens without a network
  --junit FILE.xml     write the result for a CI server
  --json               print the result as JSON

Each case is a must, a should or a may. The shared secret is the one that \`bun
run sign\` uses: OWNID_SHARED_SECRET, OWNID_SHARED_SECRET_FILE, or what
development generated. Reports contain no secret, no session token and none of
the user's data.

Exits 0 if every must holds. Exits 1 if one does not, if nothing answers, if the
run was interrupted or the data could not be restored. Exits 2 on wrong usage or
refusal, 78 if the server refuses the shared secret or a setting is wrong.
`;

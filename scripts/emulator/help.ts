export const help = `Plays OwnID's part on this machine: its platform with real passkeys, its web
SDK, and a small website to try them on, at http://localhost:4000. It shows
every signed call. It uses the sidecar that is already running, or starts one.

  bun run emulator
  bun run emulator exec -- <command>

exec is for tests. It starts a sidecar and the emulator on free ports, runs the
command, and stops everything. Without DATABASE_URL, they use a new database
that is deleted afterwards. The command finds the addresses in EMULATOR_URL,
EMULATOR_CONTROL_URL, EMULATOR_SDK_URL, SIDECAR_BASE_URL and SIDECAR_OPS_URL,
and the one-time code in EMULATOR_ONE_TIME_CODE.

  --port PORT      where to listen (default: 4000, with exec a free port)
  --url URL        use the endpoints at this address of this machine
  --origin ORIGIN  let pages of this origin use the SDK, besides those of
                   localhost; may be given several times
  --seed FILE      start with the users of this JSON file, such as
                   [{"loginId":"ada@example.com","devices":["phone"]}]
  --state FILE     start with the state in this file, and write it at the end;
                   if the file exists, --seed is ignored
  --code CODE      the right one-time code (default: 123456)
  --json           print the addresses as JSON; with exec, on standard error

It listens on the loopback interface only, and makes no request to another
machine. It refuses to run with NODE_ENV=production.

Exits 0 when it is stopped. With exec, it exits with the status of the command.
Exits 1 if the sidecar does not start, 2 on wrong usage, 78 if a setting is
wrong.
`;

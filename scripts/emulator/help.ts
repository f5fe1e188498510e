export const help = `Plays OwnID's part on this machine: its platform with real passkeys, its web
SDK, and a small website to try them on, at http://localhost:4000. Every signed
call is shown as it is made. It works with the sidecar that runs already, or
starts one.

  bun run emulator
  bun run emulator exec -- <command>

exec is for tests: it starts a sidecar and the emulator on free ports, runs the
command, and ends everything. Without DATABASE_URL they use a new database that
goes with the run. The command finds the addresses in EMULATOR_URL,
EMULATOR_CONTROL_URL, EMULATOR_SDK_URL, SIDECAR_BASE_URL and SIDECAR_OPS_URL,
and the one-time code in EMULATOR_ONE_TIME_CODE.

  --port PORT      where to listen (default: 4000, with exec a free port)
  --url URL        use the endpoints at this address of this machine
  --origin ORIGIN  let pages of this origin use the SDK too, besides those of
                   localhost; may be given several times
  --seed FILE      begin with the users of this JSON file, such as
                   [{"loginId":"ada@example.com","devices":["phone"]}]
  --state FILE     begin with what this file holds, and write it at the end;
                   --seed counts only where there is no such file yet
  --code CODE      the one-time code that is always right (default: 123456)
  --json           print the addresses as JSON; with exec, on standard error

It listens on the loopback interface alone and makes no request beyond it. It
refuses to run with NODE_ENV=production.

Exits 0 when it is stopped; with exec, it exits as the command did. Exits 1 if
the sidecar does not start, 2 on wrong usage, 78 if a setting is wrong.
`;

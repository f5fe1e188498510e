import { version } from "../package.json";

export interface GreetingFacts {
  readonly publicUrl: string;
  readonly opsUrl: string;
  /** What was made for a start without configuration. */
  readonly madeSecret: boolean;
  readonly madeDatabase: boolean;
  /** A login id to try first. */
  readonly loginId: string;
}

/** The command a newcomer tries next, in the way this process was started: by npx, or by an installed Bun. */
export function nextCommand(loginId: string): string {
  const bun = process.execPath.includes("/_npx/") ? `npx --yes bun@${Bun.version}` : "bun";
  return `${bun} run sign get ${loginId} --send`;
}

/** What a terminal shows at a start in development: where it listens, what was made, and what to try next. */
export function greeting({ publicUrl, opsUrl, madeSecret, madeDatabase, loginId }: GreetingFacts): string {
  const users = madeDatabase
    ? `an SQLite file in ./data, with the demo user ${loginId}`
    : "from DATABASE_URL";
  const secret = madeSecret ? "generated, in ./data/shared-secret" : "from OWNID_SHARED_SECRET";
  return `
ownid-sidecar ${version}, development mode (NODE_ENV is not "production")

  for OwnID   ${publicUrl}/…
  for you     ${opsUrl}/readyz
  users       ${users}
  secret      ${secret}

Try it in a second terminal:

  ${nextCommand(loginId)}

`;
}

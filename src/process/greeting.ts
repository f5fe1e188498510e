import { join } from "node:path";
import { version } from "../../package.json";
import { shellWord } from "../fix.ts";

export interface GreetingFacts {
  readonly publicUrl: string;
  /** The address that `bun run sign` uses by default. */
  readonly defaultUrl: string;
  readonly opsUrl: string;
  /** The absolute path of the folder that holds everything that is generated. */
  readonly folder: string;
  /** Whether the start has generated a shared secret. */
  readonly madeSecret: boolean;
  /** Whether the users are in the SQLite file that a start creates by default. */
  readonly madeDatabase: boolean;
  /** The login id of the demo user, or `null` if the database has no such user. */
  readonly demoLoginId: string | null;
  /** The absolute path of the folder that package.json is in. */
  readonly checkout: string;
  /** The absolute path of the folder that the process was started in. */
  readonly startFolder: string;
}

/**
 * Returns `text` with its commands written for the way in which this process was started: by npx, or by an installed
 * Bun.
 */
export function withRunner(text: string): string {
  return text.replaceAll(/\bbun run (?=[a-z])/g, `${runner()} run `);
}

function runner(): string {
  return process.execPath.includes("/_npx/") ? `npx --yes bun@${Bun.version}` : "bun";
}

/**
 * Returns the command to try next, with the address of this sidecar and, if one is known, the login id of a user who
 * exists. It works in any folder if the process was not started in the checkout, and in the checkout otherwise.
 */
export function nextCommand({ publicUrl, defaultUrl, demoLoginId, ...folders }: GreetingFacts): string {
  const reached = publicUrl.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const url = reached === defaultUrl ? "" : ` --url ${reached}`;
  return `${signCommand(folders)} get ${demoLoginId ?? "LOGIN_ID"} --send${url}`;
}

/** The generated secret and `.env` are read from the folder of the start, and `bun run` changes to that of package.json. */
function signCommand({ checkout, startFolder }: Pick<GreetingFacts, "checkout" | "startFolder">): string {
  if (startFolder === checkout) return `${runner()} run sign`;
  const launcher = shellWord(join(checkout, "scripts/launch.ts"));
  return `cd ${shellWord(startFolder)} && ${runner()} ${launcher} sign`;
}

/**
 * Returns the warning for the log if the start has generated a secret or a database, which also happens in the wrong
 * folder or without the intended environment. Returns `null` if nothing was generated.
 */
export function developmentWarning({
  madeSecret,
  madeDatabase,
  demoLoginId,
  folder,
}: GreetingFacts): string | null {
  const made = [
    ...(madeSecret ? ["a shared secret that was generated"] : []),
    ...(madeDatabase ? [demoLoginId === null ? "the default database" : "a demo database"] : []),
  ];
  if (made.length === 0) return null;
  return `development mode, since NODE_ENV is not "production": this start uses ${made.join(" and ")}, in ${folder}`;
}

/**
 * Returns what a terminal shows when a development sidecar starts: its address, what was generated, and what to try
 * next.
 */
export function greeting(facts: GreetingFacts): string {
  const { publicUrl, opsUrl, folder, madeSecret, madeDatabase, demoLoginId } = facts;
  const ofDefault =
    demoLoginId === null ? "from the default database" : `a demo database with the user ${demoLoginId}`;
  const users = madeDatabase ? ofDefault : "from DATABASE_URL";
  const secret = madeSecret ? "generated" : "from OWNID_SHARED_SECRET";
  const made = madeDatabase || madeSecret ? `\n  kept in     ${folder}` : "";
  const place = madeSecret
    ? "in a second terminal"
    : "in a second terminal, with the same OWNID_SHARED_SECRET";
  return `
ownid-sidecar ${version}, development mode (NODE_ENV is not "production")

  for OwnID   ${publicUrl}/…
  for you     ${opsUrl}/readyz
  users       ${users}
  secret      ${secret}${made}

Try it ${place}:${demoLoginId !== null ? "" : "\n(LOGIN_ID stands for a login id of your users.)"}

  ${nextCommand(facts)}

`;
}

import { version } from "../../package.json";

export interface GreetingFacts {
  readonly publicUrl: string;
  /** The address that `bun run sign` uses by default. */
  readonly defaultUrl: string;
  readonly opsUrl: string;
  /** The absolute path of the folder that holds everything that is generated. */
  readonly folder: string;
  /** Whether the start has generated a shared secret. */
  readonly madeSecret: boolean;
  readonly madeDatabase: boolean;
  /** The user of a database that was created here. */
  readonly demoLoginId: string;
}

/**
 * Returns `text` with its commands written for the way in which this process was started: by npx, or by an installed
 * Bun.
 */
export function withRunner(text: string): string {
  if (!process.execPath.includes("/_npx/")) return text;
  return text.replaceAll(/\bbun run (?=[a-z])/g, `npx --yes bun@${Bun.version} run `);
}

/**
 * Returns the command to try next, with the address of this sidecar and, if one is known, the login id of a user who
 * exists.
 */
export function nextCommand({ publicUrl, defaultUrl, madeDatabase, demoLoginId }: GreetingFacts): string {
  const reached = publicUrl.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const url = reached === defaultUrl ? "" : ` --url ${reached}`;
  return withRunner(`bun run sign get ${madeDatabase ? demoLoginId : "LOGIN_ID"} --send${url}`);
}

/**
 * Returns the warning for the log if the start has generated a secret or a database, which also happens in the wrong
 * folder or without the intended environment. Returns `null` if nothing was generated.
 */
export function developmentWarning({ madeSecret, madeDatabase, folder }: GreetingFacts): string | null {
  const made = [
    ...(madeSecret ? ["a shared secret that was generated"] : []),
    ...(madeDatabase ? ["a demo database"] : []),
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
  const users = madeDatabase ? `a demo database with the user ${demoLoginId}` : "from DATABASE_URL";
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

Try it ${place}:${madeDatabase ? "" : "\n(LOGIN_ID stands for a login id of your users.)"}

  ${nextCommand(facts)}

`;
}

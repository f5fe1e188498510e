import { version } from "../../package.json";

export interface GreetingFacts {
  readonly publicUrl: string;
  /** Where `bun run sign` looks for the sidecar by itself. */
  readonly defaultUrl: string;
  readonly opsUrl: string;
  /** The absolute path of the folder in which a start without configuration keeps what it makes. */
  readonly folder: string;
  /** What was made for a start without configuration. */
  readonly madeSecret: boolean;
  readonly madeDatabase: boolean;
  /** The user of a database that was made here. */
  readonly demoLoginId: string;
}

/** `text` with its commands in the way in which this process was started: by npx, or by an installed Bun. */
export function withRunner(text: string): string {
  if (!process.execPath.includes("/_npx/")) return text;
  return text.replaceAll(/\bbun run (?=[a-z])/g, `npx --yes bun@${Bun.version} run `);
}

/** The command to try next: with this sidecar's address and, where it is known, a user who exists. */
export function nextCommand({ publicUrl, defaultUrl, madeDatabase, demoLoginId }: GreetingFacts): string {
  const reached = publicUrl.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const url = reached === defaultUrl ? "" : ` --url ${reached}`;
  return withRunner(`bun run sign get ${madeDatabase ? demoLoginId : "LOGIN_ID"} --send${url}`);
}

/**
 * The warning for the log of a start that made its own secret or database, which a start in the wrong folder or
 * without its environment does too; `null` where nothing was made.
 */
export function developmentWarning({ madeSecret, madeDatabase, folder }: GreetingFacts): string | null {
  const made = [
    ...(madeSecret ? ["a shared secret that was generated"] : []),
    ...(madeDatabase ? ["a demo database"] : []),
  ];
  if (made.length === 0) return null;
  return `development mode, since NODE_ENV is not "production": this start uses ${made.join(" and ")}, in ${folder}`;
}

/** What a terminal shows at a start in development: where it listens, what was made, and what to try next. */
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

import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { Item, Status } from "../../scripts/doctor/check.ts";
import { type ExamineOptions, examine } from "../../scripts/doctor/examine.ts";
import { freePort } from "../../scripts/servers/free-port.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import type { Fix } from "../../src/fix.ts";
import { createSigningKeys } from "../../src/sessions/signing-keys.ts";

/**
 * What an operator has set up: settings, and a folder with the signing keys. Nothing is wrong with it, except that its
 * SQLite file does not exist yet if DATABASE_URL is not among the settings.
 */
export interface Deployment extends AsyncDisposable {
  readonly environment: Record<string, string | undefined>;
  readonly folder: string;
  /** Runs SQL as the database's administrator, if there is one. */
  administrate(statement: string): Promise<unknown>;
}

/** A fault of a deployment, and the item of the doctor that reports it. */
export interface Fault<Site extends Deployment> {
  readonly id: string;
  readonly status: Exclude<Status, "fine">;
  /** The index of the fix to follow; the default is the first. */
  readonly way?: number;
  plant(site: Site): unknown;
}

const repository = join(import.meta.dir, "../..");

export async function createDeployment(settings: Deployment["environment"]): Promise<Deployment> {
  const folder = temporaryFolder();
  chmodSync(folder.path, 0o700);
  await createSigningKeys(folder.at("session-keys.json"));
  const environment = {
    NODE_ENV: "production",
    PORT: String(await freePort()),
    OPS_PORT: String(await freePort()),
    OWNID_SHARED_SECRET: randomText(32),
    ADMIN_TOKEN: randomText(33),
    SESSION_KEYS_FILE: folder.at("session-keys.json"),
    STATE_FILE: folder.at("state/state.db"),
    DATABASE_URL: `sqlite:${folder.at("users.db")}`,
    ...settings,
  };
  return {
    environment,
    folder: folder.path,
    administrate: () => Promise.reject(new Error("there is no administrator")),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
}

export function randomText(bytes: number): string {
  return crypto.getRandomValues(Buffer.alloc(bytes)).toString("base64");
}

/** Returns all items of the doctor for the deployment, by their ids. */
export async function itemsOf(
  { environment, folder }: Deployment,
  changes: Partial<ExamineOptions> = {},
): Promise<ReadonlyMap<string, Item>> {
  const groups = await examine({
    environment,
    folder,
    deadlineMs: 10_000,
    requestsPerSecond: 100,
    now: Date.now,
    onProgress: () => {},
    ...changes,
  });
  return new Map(groups.flatMap(({ items }) => items.map((item) => [item.id, item])));
}

/** Returns the items that are not fine, as `id: status`. */
export async function faultsOf(site: Deployment, changes: Partial<ExamineOptions> = {}): Promise<string[]> {
  const items = [...(await itemsOf(site, changes)).values()];
  return items.filter(({ status }) => status !== "fine").map(({ id, status }) => `${id}: ${status}`);
}

/**
 * Causes the fault, follows the doctor's fix, and returns the status of the item before and after. An item about a
 * setting exists only while there is something to report about it.
 */
export async function causeAndFix<Site extends Deployment>(site: Site, fault: Fault<Site>) {
  const statusNow = async () => (await itemsOf(site)).get(fault.id);
  await fault.plant(site);
  const before = await statusNow();
  const fix = before?.fixes?.[fault.way ?? 0];
  if (fix !== undefined) await takeSteps(fix, site);
  else if (before?.fix) await followFix(before.fix, site);
  const after = await statusNow();
  return [before?.status, after?.status ?? (fault.id.startsWith("config.") ? "fine" : undefined)];
}

/** Takes all steps of a fix, each in the role that it is meant for. */
export async function takeSteps({ steps }: Fix, site: Deployment): Promise<void> {
  for (const { kind, text } of steps) {
    if (kind === "sql") await site.administrate(text);
    else if (kind === "command") await runInShell(text, site);
    else setVariable(site, text);
  }
}

/**
 * Follows a fix as an operator would. A setting is set, SQL is run by an administrator, and everything else is a
 * command line for a shell in the deployment's folder.
 */
export async function followFix(fix: string, site: Deployment): Promise<void> {
  if (/^[A-Z][A-Z0-9_]*=\S+$/.test(fix)) {
    setVariable(site, fix);
  } else if (fix.endsWith(";")) {
    for (const statement of fix.split(/(?<=;)\s+/)) await site.administrate(statement);
  } else {
    await runInShell(fix, site);
    await readDotEnv(site);
  }
}

/** Sets the variable of a line such as `PORT=3300`. */
export function setVariable({ environment }: Pick<Deployment, "environment">, line: string): void {
  const end = line.indexOf("=");
  environment[line.slice(0, end)] = line.slice(end + 1);
}

/** Reads `.env`, as Bun does at a start in the deployment's folder. */
async function readDotEnv(site: Deployment): Promise<void> {
  const file = Bun.file(join(site.folder, ".env"));
  const lines = (await file.exists()) ? (await file.text()).split("\n") : [];
  for (const line of lines.filter((text) => text !== "")) setVariable(site, line);
}

/**
 * Runs a command line. redis-cli reports a refusal on standard output and exits 0. Its questions are answered with yes.
 */
async function runInShell(command: string, { folder, environment }: Deployment): Promise<void> {
  const child = Bun.spawn(["sh", "-ec", command], {
    cwd: command.includes("bun run") ? repository : folder,
    env: { ...process.env, ...environment },
    stdin: Buffer.from("yes\n".repeat(20)),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, complaint] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) === 0 && !/^(?:ERR|NOPERM|WRONG|NOAUTH)/m.test(output)) return;
  throw new Error(`${command} failed:\n${output}${complaint}`);
}

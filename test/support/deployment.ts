import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { Item, Status } from "../../scripts/doctor/check.ts";
import { type ExamineOptions, examine } from "../../scripts/doctor/examine.ts";
import { freePort } from "../../scripts/servers/free-port.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import type { Fix } from "../../src/fix.ts";
import { createSigningKeys } from "../../src/sessions/signing-keys.ts";

/**
 * What an operator has set up: settings, and a folder with the signing keys. Nothing is wrong with it, but that its
 * SQLite file is still to be made, unless DATABASE_URL is among the settings.
 */
export interface Deployment extends AsyncDisposable {
  readonly environment: Record<string, string | undefined>;
  readonly folder: string;
  /** Runs SQL as the database's administrator, if it has one. */
  administrate(statement: string): Promise<unknown>;
}

/** Something that is wrong with a deployment, and what the doctor calls it. */
export interface Fault<Site extends Deployment> {
  readonly id: string;
  readonly status: Exclude<Status, "fine">;
  /** Which of the ways is gone; the first unless told otherwise. */
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

/** Every item that the doctor has about the deployment, by its id. */
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

/** What is not fine, as `id: status`. */
export async function faultsOf(site: Deployment, changes: Partial<ExamineOptions> = {}): Promise<string[]> {
  const items = [...(await itemsOf(site, changes)).values()];
  return items.filter(({ status }) => status !== "fine").map(({ id, status }) => `${id}: ${status}`);
}

/**
 * Plants the fault, does what the doctor says fixes it, and answers how the item stood before and after. A setting has
 * an item as long as there is something to say about it.
 */
export async function plantAndMend<Site extends Deployment>(site: Site, fault: Fault<Site>) {
  const statusNow = async () => (await itemsOf(site)).get(fault.id);
  await fault.plant(site);
  const sick = await statusNow();
  const fix = sick?.fixes?.[fault.way ?? 0];
  if (fix !== undefined) await takeSteps(fix, site);
  else if (sick?.fix) await carryOut(sick.fix, site);
  const repaired = await statusNow();
  return [sick?.status, repaired?.status ?? (fault.id.startsWith("config.") ? "fine" : undefined)];
}

/** Takes the steps of one way to fix a problem, each as whoever it is for. */
export async function takeSteps({ steps }: Fix, site: Deployment): Promise<void> {
  for (const { kind, text } of steps) {
    if (kind === "sql") await site.administrate(text);
    else if (kind === "command") await runInShell(text, site);
    else site.environment[text.slice(0, text.indexOf("="))] = text.slice(text.indexOf("=") + 1);
  }
}

/**
 * Does what a fix says, as an operator would: a setting is set, SQL is run by an administrator, and everything else
 * is a command line for a shell in the deployment's folder.
 */
export async function carryOut(fix: string, site: Deployment): Promise<void> {
  const setting = /^([A-Z][A-Z0-9_]*)=(\S+)$/.exec(fix);
  if (setting) {
    const [, name = "", value = ""] = setting;
    site.environment[name] = value;
  } else if (fix.endsWith(";")) {
    for (const statement of fix.split(/(?<=;)\s+/)) await site.administrate(statement);
  } else {
    await runInShell(fix, site);
    Object.assign(site.environment, await readDotEnv(site.folder));
  }
}

/** As Bun does at a start in that folder. */
async function readDotEnv(folder: string): Promise<Deployment["environment"]> {
  const file = Bun.file(join(folder, ".env"));
  const lines = (await file.exists()) ? (await file.text()).split("\n") : [];
  return Object.fromEntries(
    lines
      .filter((line) => line !== "")
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

/** redis-cli tells a refusal on standard output and exits 0; to its questions the answer is yes. */
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

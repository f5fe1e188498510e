import { expect, test } from "bun:test";
import type { Item } from "../../scripts/doctor/check.ts";
import type { UserDirectory } from "../../src/coherence/user-directory.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { dialects } from "../../src/directory/dialects/dialects.ts";
import { createSqlDirectory } from "../../src/directory/sql-directory.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import type { Fix, Step } from "../../src/fix.ts";
import { type Deployment, itemsOf, setVariable } from "./deployment.ts";

/** A deployment with a user table, and how its database's administrator works. */
export interface AdvisedSite extends Deployment {
  /** Runs a command line for the database's programs. */
  runForDatabase?(command: string): Promise<unknown>;
  /** Returns every row of the table in a form that can be compared, with or without the `ownIdData` column. */
  content(withData: boolean): Promise<unknown>;
}

/** A fault of a table, and how the advice about it is followed. */
export interface TableFault<Site extends AdvisedSite> {
  /** The doctor's item that reports it. */
  readonly id: string;
  /** The SQL that causes it. */
  readonly sql: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether the sidecar starts nevertheless, because the fault only makes it slow. */
  readonly isServed?: true;
  /** A part of the doctor's description. */
  readonly says?: string;
  /** The index of the fix to follow; the default is the first. */
  readonly way?: number;
  /** The text that the operator writes in place of a placeholder. */
  readonly condition?: string;
  /** The SQL that the operator runs first, because the fix requires it. */
  readonly before?: readonly string[];
  /** Items that the doctor still reports afterwards, since only the operator can judge them. */
  readonly left?: readonly string[];
  /** Whether the fix changes the type of the values. `holds` then checks the values. */
  readonly rewritesData?: true;
  /** Checks the table afterwards. */
  holds?(site: Site): Promise<void>;
}

/** Inserts two users into the table of an advised site. */
export const rows =
  "INSERT INTO users (email, town) VALUES ('sol@testmail.com', 'Köln'), ('ann@testmail.com', NULL)";

/** More rounds than any fault takes, so that advice which never succeeds is noticed. */
const roundsMax = 4;

/** Tests that the advice about each fault fixes it. */
export function testAdvice<Site extends AdvisedSite>(
  createSite: () => Promise<Site>,
  faults: Readonly<Record<string, TableFault<Site>>>,
): void {
  for (const [what, fault] of Object.entries(faults)) {
    test(`fixes ${what}, and loses nothing`, async () => {
      await using site = await createSite();
      await expectAdviceToFix(site, fault);
    });
  }
}

/**
 * Causes the fault, follows the printed advice and then the advice about what remains. Afterwards it compares the
 * doctor, a start and the table with what they should be.
 */
async function expectAdviceToFix<Site extends AdvisedSite>(
  site: Site,
  fault: TableFault<Site>,
): Promise<void> {
  for (const statement of fault.sql) await site.administrate(statement);
  Object.assign(site.environment, fault.settings);
  const found = (await itemsOf(site)).get(fault.id);
  expect(found?.status).toBe("wrong");
  if (fault.says !== undefined) expect(found?.detail).toContain(fault.says);
  const fix = wayOf(found, fault.way ?? 0);
  if (!fault.isServed) await expectStartToPrint(site, fix);
  for (const statement of fault.before ?? []) await site.administrate(statement);
  const content = await site.content(!fault.rewritesData);
  await follow(fix, site, fault.condition);
  await followRemainingAdvice(site, fault.left ?? []);
  expect(await site.content(!fault.rewritesData)).toEqual(content);
  await fault.holds?.(site);
}

/** Follows the advice about the remaining faults, such as an old grant that is no longer needed. */
async function followRemainingAdvice(site: AdvisedSite, left: readonly string[]): Promise<void> {
  for (let round = 1; ; round += 1) {
    const faults = [...(await itemsOf(site)).values()].filter(({ status }) => status !== "fine");
    const open = faults.filter(({ id }) => !left.includes(id));
    if (open.length === 0) break;
    if (round > roundsMax)
      throw new Error(`still reported after ${roundsMax} rounds: ${JSON.stringify(open)}`);
    for (const item of open) await follow(wayOf(item, 0), site);
  }
  expect(await problemsAtStart(site)).toEqual([]);
}

function wayOf(item: Item | undefined, way: number): Fix {
  const fix = item?.fixes?.[way];
  if (fix !== undefined) return fix;
  // Advice that is not data is SQL for the administrator, one statement after another.
  const statements = item?.fix?.endsWith(";") ? item.fix.split(/(?<=;)\s+/) : [];
  if (statements.length === 0) throw new Error(`no way to follow: ${JSON.stringify(item)}`);
  return { when: null, steps: statements.map((text) => ({ kind: "sql", text })) };
}

async function follow(fix: Fix, site: AdvisedSite, condition = ""): Promise<void> {
  if (fix.steps.length === 0) throw new Error(`nothing to do: ${fix.when}`);
  for (const step of fix.steps) await take(step, site, condition);
}

async function take({ kind, text }: Step, site: AdvisedSite, condition: string): Promise<void> {
  const typed = text.replaceAll("<the condition of rows that are users>", condition);
  if (kind === "sql") await site.administrate(typed);
  else if (kind === "command") await site.runForDatabase?.(typed);
  else setVariable(site, typed);
}

/** Expects a start to print the same fix as the doctor. */
async function expectStartToPrint(site: AdvisedSite, { steps }: Fix): Promise<void> {
  const printed = (await problemsAtStart(site)).join("\n");
  for (const { text } of steps) expect(printed).toContain(`\n      ${text}`);
}

/** Returns what a start prints about the database before it exits with status 78, or nothing if it succeeds. */
export async function problemsAtStart(site: AdvisedSite): Promise<readonly string[]> {
  const directory = openDirectory(site);
  try {
    await directory.verifyConnection();
    return [];
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error.problems;
    throw error;
  } finally {
    await directory.close();
  }
}

/** Opens the site's users as a sidecar does. */
export function openDirectory({ environment }: AdvisedSite): UserDirectory {
  const { database } = loadConfig(environment, () => new Uint8Array(32));
  return createSqlDirectory({
    ...database,
    url: database.url.reveal(),
    tls: database.tls.reveal(),
    statementMs: 2000,
  });
}

/** Expects that the sidecar reads and writes one user with this login id, who is not one of the deleted ones. */
export async function expectOneUser(site: AdvisedSite, typed = "sol@testmail.com"): Promise<void> {
  const directory = openDirectory(site);
  await directory.verifyConnection();
  const { loginId, databaseTimeMs } = await directory.find(typed);
  const change = { loginId, expected: null, replacement: "new", deadlineMs: databaseTimeMs + 60_000 };
  expect(await directory.replaceOwnIdData(change)).not.toBe("unchanged");
  await directory.close();
  const { database } = loadConfig(site.environment, () => new Uint8Array(32));
  const data = dialects[database.kind].spelling.quote("ownIdData");
  const written = await site.administrate(`SELECT gone FROM users WHERE ${data} = 'new'`);
  expect(JSON.stringify(written)).toMatch(/^\[\{"gone":(?:0|false)\}\]$/);
}

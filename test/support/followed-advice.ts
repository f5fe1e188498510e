import { expect } from "bun:test";
import type { Item } from "../../scripts/doctor/check.ts";
import type { UserDirectory } from "../../src/coherence/user-directory.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { createSqlDirectory } from "../../src/directory/sql-directory.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import type { Fix, Step } from "../../src/fix.ts";
import { type Deployment, itemsOf } from "./deployment.ts";

/** A deployment with a user table, and how its database's administrator works. */
export interface AdvisedSite extends Deployment {
  /** Runs a command line for the database's programs. */
  runForDatabase?(command: string): Promise<unknown>;
  /** Every row of the table, with or without the `ownIdData` column, in a form that can be compared. */
  content(withData: boolean): Promise<unknown>;
}

/** Something that is wrong with a table, and how the advice about it is followed. */
export interface TableFault<Site extends AdvisedSite> {
  /** The item of the doctor that tells about it. */
  readonly id: string;
  /** SQL of the site. */
  readonly sql: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
  /** A start goes on with it, since it is only slow. */
  readonly isServed?: true;
  /** A part of what is wrong, as the doctor says it. */
  readonly says?: string;
  /** Which of the ways is gone; the first unless told otherwise. */
  readonly way?: number;
  /** What the operator writes for a placeholder. */
  readonly condition?: string;
  /** What the operator does before, because the way asks for it. */
  readonly before?: readonly string[];
  /** What the doctor still says, since only the operator can judge it. */
  readonly left?: readonly string[];
  /** The values are another type's afterwards; `holds` says what became of them. */
  readonly rewritesData?: true;
  /** What must hold of the table afterwards. */
  holds?(site: Site): Promise<void>;
}

/** More rounds than any fault here takes: advice that never ends would be followed for ever. */
const roundsMax = 4;

/**
 * Plants the fault, does what is printed about it, then what is printed about the rest, and holds doctor, start and
 * table against what they should be then.
 */
export async function followToTheEnd<Site extends AdvisedSite>(
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
  await followTheRest(site, fault.left ?? []);
  expect(await site.content(!fault.rewritesData)).toEqual(content);
  await fault.holds?.(site);
}

/** What else is wrong then, such as an old grant that is too much now, has a fix of its own. */
async function followTheRest(site: AdvisedSite, left: readonly string[]): Promise<void> {
  for (let round = 1; ; round += 1) {
    const faults = [...(await itemsOf(site)).values()].filter(({ status }) => status !== "fine");
    const open = faults.filter(({ id }) => !left.includes(id));
    if (open.length === 0) break;
    if (round > roundsMax) throw new Error(`still told after ${roundsMax} rounds: ${JSON.stringify(open)}`);
    for (const item of open) await follow(wayOf(item, 0), site);
  }
  expect(await problemsAtStart(site)).toEqual([]);
}

function wayOf(item: Item | undefined, way: number): Fix {
  const fix = item?.fixes?.[way];
  if (fix !== undefined) return fix;
  // What is not data is SQL for the administrator, statement by statement.
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
  else site.environment[typed.slice(0, typed.indexOf("="))] = typed.slice(typed.indexOf("=") + 1);
}

/** The doctor and the start say the same. */
async function expectStartToPrint(site: AdvisedSite, { steps }: Fix): Promise<void> {
  const printed = (await problemsAtStart(site)).join("\n");
  for (const { text } of steps) expect(printed).toContain(`\n      ${text}`);
}

/** What a start prints about the database before it ends with status 78; nothing if it does not. */
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

/** The site's users as a sidecar sees them. */
export function openDirectory({ environment }: AdvisedSite): UserDirectory {
  const { database } = loadConfig(environment, () => new Uint8Array(32));
  return createSqlDirectory({
    ...database,
    url: database.url.reveal(),
    tls: database.tls.reveal(),
    statementMs: 2000,
  });
}

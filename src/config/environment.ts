import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigurationInvalid } from "../errors.ts";
import { environmentFile, readEnvironmentFile } from "./environment-file.ts";

/** What `.env` contributed to the environment of this process. */
export interface EnvironmentSources {
  /** The variables that came from the file. */
  readonly fromFile: readonly string[];
  /** The variables in the file that the process was already started with. */
  readonly overridden: readonly string[];
  /** Files next to `.env` that other programs would read. */
  readonly ignoredFiles: readonly string[];
}

/** How this process was started, before any of its code ran. */
export interface ProcessStart {
  /** `null` if the system does not reveal them. */
  readonly variables: Readonly<Record<string, string>> | null;
  readonly flags: readonly string[];
}

/** The variables of this process, as its code and its drivers see them. */
type Variables = Record<string, string | undefined>;

/**
 * Sets the variables of this process to those that it was started with and, for all others, to those of `.env` in the
 * working directory.
 *
 * Bun reads such files itself before any code runs. It cuts values at `#`, expands `$`, and also reads `.env.local`
 * and others. The project's bunfig.toml turns that off, but only for a process that starts in the project's folder.
 * Elsewhere, this function undoes what Bun has read.
 *
 * @throws {ConfigurationInvalid} `.env` is ambiguous, or Bun has read files and this cannot be undone
 */
export function takeEnvironment(
  variables: Variables,
  folder: string,
  started: ProcessStart = ownStart(),
): EnvironmentSources {
  refuseOtherFiles(started.flags);
  undoBunsReading(variables, folder, started);
  const inFile = Object.entries(readEnvironmentFile(folder));
  const fromFile = inFile.filter(([name]) => variables[name] === undefined);
  for (const [name, value] of fromFile) variables[name] = value;
  const names = fromFile.map(([name]) => name);
  return {
    fromFile: names,
    overridden: inFile.map(([name]) => name).filter((name) => !names.includes(name)),
    ignoredFiles: filesOfBun.filter((file) => file !== environmentFile && existsSync(join(folder, file))),
  };
}

const filesOfBun = [
  environmentFile,
  ".env.local",
  ...["development", "production", "test"].flatMap((mode) => [`.env.${mode}`, `.env.${mode}.local`]),
];

function ownStart(): ProcessStart {
  return { variables: readStartVariables(), flags: process.execArgv };
}

/** Linux keeps the environment that a process was started with (proc(5)). */
function readStartVariables(): Record<string, string> | null {
  let content: string;
  try {
    content = readFileSync("/proc/self/environ", "utf8");
  } catch {
    return null;
  }
  const entries = content.split("\0").filter((entry) => entry.includes("="));
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

function refuseOtherFiles(flags: readonly string[]): void {
  const flag = flags.findIndex((word) => /^--env-file(?:=.|$)/.test(word));
  if (flag < 0) return;
  throw new ConfigurationInvalid([
    `--env-file: Bun reads such a file, cuts values at "#" and expands "$". Put the settings into ${environmentFile} of the working folder, or into the environment of the process.`,
  ]);
}

function undoBunsReading(variables: Variables, folder: string, started: ProcessStart): void {
  const isRead =
    !started.flags.some((flag) => flag === "--no-env-file" || flag === "--env-file=") && !isForbidden(folder);
  if (!isRead || !filesOfBun.some((file) => existsSync(join(folder, file)))) return;
  if (started.variables === null) {
    throw new ConfigurationInvalid([
      `${environmentFile}: Bun has read the files in this folder itself, and may have changed their values. Start it with: bun --no-env-file`,
    ]);
  }
  for (const name of Object.keys(variables)) {
    if (started.variables[name] === undefined) delete variables[name];
  }
  Object.assign(variables, started.variables);
}

/** Bun looks for its own settings in the working directory. */
function isForbidden(folder: string): boolean {
  const path = join(folder, "bunfig.toml");
  return existsSync(path) && /^\s*env\s*=\s*false\s*$/m.test(readFileSync(path, "utf8"));
}

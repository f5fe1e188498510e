import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Checks whether node_modules/ contains the packages that bun.lock lists, and installs them if it does not. This file
 * imports no package, and it runs on older versions of Bun, so that it can refuse them.
 */

/** Which packages a command needs: those of the sidecar only, or those of development as well. */
export type Needs = "dependencies" | "devDependencies";

/** The packages cannot be installed, or this Bun is too old. `message` says why and what to do. */
export class PackagesMissing extends Error {}

type PackageNames = Readonly<Record<string, string>>;

interface Requirements {
  readonly dependencies?: PackageNames;
  readonly devDependencies?: PackageNames;
  readonly optionalDependencies?: PackageNames;
  readonly peerDependencies?: PackageNames;
  readonly optionalPeers?: readonly string[];
  /** Present on packages with a program for one kind of machine. Bun installs those that fit. */
  readonly os?: unknown;
  readonly cpu?: unknown;
}

interface Lockfile {
  readonly workspaces: { readonly "": Requirements };
  /** Packages by place: `a/b` is the copy of `b` in the folder of `a`. */
  readonly packages: Readonly<Record<string, readonly [identity: string, ...unknown[]]>>;
}

const slowMs = 1000;
const quotedLines = 3;
const columns = 80;
const installWords = ["install", "--frozen-lockfile"];

/**
 * Installs the packages if one is missing or has another version than in bun.lock. Prints nothing if all are there.
 *
 * @returns whether packages were installed
 * @throws {PackagesMissing}
 */
export async function providePackages(root: string, needs: Needs): Promise<boolean> {
  refuseOldBun(root);
  if (arePackagesInstalled(root, needs)) return false;
  const notice = setTimeout(() => {
    process.stderr.write("Installing the packages that bun.lock lists into node_modules/.\n");
  }, slowMs);
  try {
    await install(root);
    return true;
  } finally {
    clearTimeout(notice);
  }
}

function refuseOldBun(root: string): void {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const oldest = String(engines.bun).replace(">=", "");
  if (Bun.semver.order(Bun.version, oldest) >= 0) return;
  // What `bun run` was asked for, or otherwise the launcher.
  const script = process.env.npm_lifecycle_event ?? process.argv[2] ?? "start";
  throw new PackagesMissing(
    `This is Bun ${Bun.version}, and Bun ${oldest} or newer is needed. Run: npx --yes bun@${oldest} run ${script}`,
  );
}

/** Returns whether every package that is needed, directly or by another one, is installed in its version. */
export function arePackagesInstalled(root: string, needs: Needs): boolean {
  const lock = readLockfile(root);
  if (lock === null) return false;
  const { dependencies = {}, devDependencies = {} } = lock.workspaces[""];
  const direct = needs === "dependencies" ? dependencies : { ...dependencies, ...devDependencies };
  return [...placesOf(lock, Object.keys(direct))].every((place) => {
    const [identity] = lock.packages[place] ?? [""];
    return versionAt(root, place) === identity.slice(identity.lastIndexOf("@") + 1);
  });
}

/** Returns `null` if Bun itself must report what is wrong with the file. */
function readLockfile(root: string): Lockfile | null {
  try {
    // Bun writes this file, and validates it whenever it installs.
    return Bun.JSONC.parse(readFileSync(join(root, "bun.lock"), "utf8")) as Lockfile;
  } catch {
    return null;
  }
}

/** Returns the places of these packages and of everything that they need. */
function placesOf({ packages }: Lockfile, direct: readonly string[]): ReadonlySet<string> {
  const places = new Set<string>();
  const open = direct.map((name) => ({ name, from: "" }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const place = placeOf(packages, next.name, next.from);
    if (place === null || places.has(place)) continue;
    const requirements = requirementsOf(packages[place] ?? []);
    if (requirements.os !== undefined || requirements.cpu !== undefined) continue;
    places.add(place);
    open.push(...namesNeeded(requirements).map((name) => ({ name, from: place })));
  }
  return places;
}

/** Returns where a package finds another one: in its own folder, or in the nearest one above it. */
function placeOf(packages: Lockfile["packages"], name: string, from: string): string | null {
  for (let around = from; around !== ""; around = around.replace(/\/?(?:@[^/]+\/)?[^/]+$/, "")) {
    if (`${around}/${name}` in packages) return `${around}/${name}`;
  }
  return name in packages ? name : null;
}

/**
 * Returns the first object of an entry. Packages from git and from files have fewer texts before it than those from a
 * registry.
 */
function requirementsOf(entry: readonly unknown[]): Requirements {
  return entry.find((part): part is Requirements => typeof part === "object" && part !== null) ?? {};
}

function namesNeeded(requirements: Requirements): string[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = requirements;
  const optional = new Set(requirements.optionalPeers);
  const peers = Object.keys(peerDependencies).filter((name) => !optional.has(name));
  return [...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers];
}

function versionAt(root: string, place: string): string | null {
  const folder = place.replace(/(?<!@[^/]*)\//g, "/node_modules/");
  try {
    return JSON.parse(readFileSync(join(root, "node_modules", folder, "package.json"), "utf8")).version;
  } catch {
    return null;
  }
}

/** @throws {PackagesMissing} */
async function install(root: string): Promise<void> {
  const child = Bun.spawn([process.execPath, ...installWords], {
    cwd: root,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const [output] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (child.exitCode === 0) return;
  const { reason, command } = adviceOn(output, root);
  throw new PackagesMissing(
    `The packages that bun.lock lists cannot be installed:\n\n${quoted(output)}\n\n${Bun.wrapAnsi(reason, columns)}${command}`,
  );
}

/** Returns the first lines of the output, because Bun repeats itself for every package. */
function quoted(output: string): string {
  const lines = output.split("\n").filter((line) => line !== "" && !line.startsWith("bun install "));
  const errors = lines.filter((line) => line.startsWith("error: "));
  const shown = (errors.length > 0 ? errors : lines).slice(0, quotedLines);
  return shown.map((line) => `  ${line}`).join("\n");
}

function adviceOn(output: string, root: string): { reason: string; command: string } {
  const bun = process.execPath.includes("/_npx/") ? `npx --yes bun@${Bun.version}` : "bun";
  const command = `\n\n  ${bun} ${installWords.join(" ")}`;
  if (/\b(?:EACCES|EPERM|EROFS)\b|Permission denied/i.test(output)) {
    return {
      reason: `This account may not write to ${root}. Run there, as the account that owns it:`,
      command,
    };
  }
  if (/DNSResolve|Connection(?:Refused|Closed|Reset)|Network|Unreachable|Timeout|timed out/i.test(output)) {
    const reason = "The package registry cannot be reached, and a first start needs it. Check the network.";
    return { reason: `${reason} Behind a proxy, set HTTPS_PROXY.`, command: "" };
  }
  if (/ENOSPC|No space/i.test(output)) return { reason: "The disk is full.", command: "" };
  return { reason: "To see all that Bun says about it, run:", command };
}

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export type ServerKind = "postgres" | "mariadb" | "redis" | "pgbouncer" | "nginx" | "caddy";

/** How a server can be had on this machine, or why it cannot. */
export type ServerSupply = { from: "programs" } | { from: "compose" } | { from: "nowhere"; reason: string };

/** This machine cannot provide the server. `message` is the reason, suitable for the title of a skipped test. */
export class ServerUnavailable extends Error {}

const servers = {
  postgres: { programs: ["postgres", "initdb"], package: "postgresql", inCompose: true },
  mariadb: { programs: ["mariadbd", "mariadb-install-db"], package: "mariadb-server", inCompose: true },
  redis: { programs: ["redis-server"], package: "redis-server", inCompose: true },
  pgbouncer: { programs: ["pgbouncer"], package: "pgbouncer", inCompose: false },
  nginx: { programs: ["nginx"], package: "nginx", inCompose: false },
  caddy: { programs: ["caddy"], package: "caddy", inCompose: false },
} as const;

/** These tools list and signal the processes of a server. Slim container images lack them. */
const processTools = { programs: ["ps", "pgrep", "pkill"], package: "procps" } as const;

const supplies = new Map<ServerKind, ServerSupply>();

/**
 * Looks for the server's programs, then for Docker Compose, then installs the Debian package. The first call for a
 * kind can therefore take minutes, and it blocks: call it while tests are collected, and not while they run. The
 * answer is kept for the life of the process.
 */
export function serverSupply(kind: ServerKind): ServerSupply {
  const known = supplies.get(kind);
  if (known) return known;
  const supply = findSupply(kind);
  supplies.set(kind, supply);
  return supply;
}

/** @throws {ServerUnavailable} the server's programs are not on this machine; Docker does not count */
export function requirePrograms(kind: ServerKind): void {
  const supply = serverSupply(kind);
  if (supply.from === "nowhere") throw new ServerUnavailable(supply.reason);
  if (supply.from === "compose") throw new ServerUnavailable(`${kind} is only here as a Docker service`);
}

/**
 * Returns the absolute path of another program. Its Debian package is installed if it is missing.
 *
 * @throws {ServerUnavailable} it is missing and cannot be installed
 */
export function requireProgram(program: string, packageName: string): string {
  const here = findProgram(program);
  if (here !== null) return here;
  const problem = installPackages([packageName]);
  const installed = findProgram(program);
  if (installed !== null) return installed;
  throw new ServerUnavailable(`${program} not found; ${problem ?? "its package lacks it"}`);
}

/**
 * Returns the absolute path of Debian's Python with these packages. Missing ones are installed.
 *
 * @throws {ServerUnavailable} one is missing and cannot be installed
 */
export function requirePython(packages: readonly `python3-${string}`[]): string {
  const python = "/usr/bin/python3";
  const modules = packages.map((name) => name.replace("python3-", "")).join(", ");
  const canImport = () => spawnSync(python, ["-c", `import ${modules}`], { stdio: "ignore" }).status === 0;
  if (canImport()) return python;
  const problem = installPackages(packages);
  if (canImport()) return python;
  throw new ServerUnavailable(`Python cannot import ${modules}; ${problem ?? "the packages lack them"}`);
}

/** Returns the absolute path of a program. @throws {ServerUnavailable} it is not on this machine */
export function programPath(program: string): string {
  const path = findProgram(program);
  if (path === null) throw new ServerUnavailable(`${program} was not found`);
  return path;
}

function findSupply(kind: ServerKind): ServerSupply {
  if (missingPrograms(kind).length === 0) return { from: "programs" };
  if (servers[kind].inCompose && dockerComposeRuns()) return { from: "compose" };
  const problem = installPackages([servers[kind].package, processTools.package]);
  const missing = missingPrograms(kind);
  if (missing.length === 0) return { from: "programs" };
  return {
    from: "nowhere",
    reason: `${missing.join(", ")} not found; ${problem ?? "the package lacks it"}`,
  };
}

function missingPrograms(kind: ServerKind): string[] {
  const programs = [...servers[kind].programs, ...processTools.programs];
  return programs.filter((program) => findProgram(program) === null);
}

function findProgram(program: string): string | null {
  const places = [process.env.PATH ?? "", ...postgresFolders(), "/usr/local/sbin", "/usr/sbin"];
  return Bun.which(program, { PATH: places.join(delimiter) });
}

/** Debian keeps each version of Postgres in its own folder, outside the PATH. The newest comes first. */
function postgresFolders(): string[] {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return [];
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, "bin"));
}

function dockerComposeRuns(): boolean {
  if (Bun.which("docker") === null) return false;
  const succeeds = (...args: string[]) => spawnSync("docker", args, { stdio: "ignore" }).status === 0;
  return succeeds("info") && succeeds("compose", "version");
}

/**
 * Only one installation runs at a time, whichever test process asks first. The policy file prevents a package from
 * starting a service. A policy file that existed before is left alone.
 */
const installScript = `
  installed=$(dpkg-query -W -f '\${Status}\\n' "$@" 2>/dev/null | grep -c 'ok installed')
  [ "$installed" -eq $# ] && exit 0
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\\nexit 101\\n' >"$policy"
    chmod +x "$policy"
  fi
  apt-get update
  apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
`;

/** Returns why the packages were not installed, or `null` if they were. */
function installPackages(packages: readonly string[]): string | null {
  const name = packages.join(" ");
  if (!existsSync("/etc/debian_version")) return `not Debian, so ${name} was not installed`;
  if (process.getuid?.() !== 0) return `as root, run: apt-get install ${name}`;
  process.stderr.write(`Installing ${name} with apt-get, since it is needed; this can take a minute.\n`);
  const lock = join(tmpdir(), "ownid-sidecar-apt.lock");
  const install = spawnSync("flock", [lock, "sh", "-c", installScript, "sh", ...packages], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (install.status === 0) return null;
  const lastWords = `${install.stdout ?? ""}${install.stderr ?? ""}`.trim().split("\n").at(-1);
  return `apt-get install ${name} failed: ${lastWords || install.error?.message || "no output"}`;
}

import { join } from "node:path";
import { fetchDirect } from "../client/fetch-direct.ts";
import { freePort } from "../servers/free-port.ts";
import { builtSidecar } from "./built-sidecar.ts";
import { bundleForNode } from "./node-bundle.ts";
import { type MeasuredProcess, startMeasured } from "./server-process.ts";
import type { Site } from "./site.ts";

export type ContenderName = "bare" | "guard-off" | "guard-on" | "fastify" | "express" | "sample";

export interface Contender {
  readonly name: ContenderName;
  /** Whether it refuses requests with a wrong signature. */
  readonly verifies: boolean;
  /** Whether its writes also update the hash. */
  readonly writesThrough: boolean;
  readonly runsOn: "bun" | "node";
  /** Starts it and resolves when it can be loaded. The sidecar must then be able to fill hashes. */
  start(site: Site): Promise<MeasuredProcess>;
}

/** The sidecar with its default settings. */
export const guardOn: Contender = {
  name: "guard-on",
  verifies: true,
  writesThrough: true,
  runsOn: "bun",
  start: (site) => startSidecar(site),
};

/** The sidecar without the replay guard, since none of the other servers has one. */
export const guardOff: Contender = {
  name: "guard-off",
  verifies: true,
  writesThrough: true,
  runsOn: "bun",
  start: (site) => startSidecar(site, { REPLAY_PROTECTION: "off" }),
};

export const bareLookup = bare("bare.ts");
export const bareSet = bare("bare-set.ts");
export const bareSession = bare("bare-session.ts");

export const fastify = onNode("fastify");
export const express = onNode("express");
export const sample = onNode("sample");

/** Returns one of the hand-written `Bun.serve` handlers. */
function bare(file: "bare.ts" | "bare-set.ts" | "bare-session.ts"): Contender {
  return {
    name: "bare",
    verifies: true,
    writesThrough: false,
    runsOn: "bun",
    start: (site) => startServer(file, [process.execPath, serverPath(file)], site.environment),
  };
}

/** Returns a server that runs on Node, from the file with this name. */
function onNode(name: "fastify" | "express" | "sample"): Contender {
  return {
    name,
    verifies: name !== "sample",
    writesThrough: false,
    runsOn: "node",
    async start(site) {
      const bundle = await bundleForNode(serverPath(`${name}.ts`));
      const environment = { ...site.environment, USERS: String(site.users.user) };
      return startServer(name, [nodePath() ?? "node", bundle], environment);
    },
  };
}

let node: string | null | undefined;

/** Returns the path of Node, or `null` if it is not installed. */
export function nodePath(): string | null {
  if (node === undefined) node = findNode();
  return node;
}

/** If Node is missing, `bun run` puts Bun itself on the PATH as `node`, which does not count. */
function findNode(): string | null {
  const path = Bun.which("node");
  if (path === null) return null;
  const { stdout } = Bun.spawnSync([path, "--print", "process.versions.bun ?? 'none'"]);
  return stdout.toString().trim() === "none" ? path : null;
}

const serverPath = (file: string) => join(import.meta.dir, "servers", file);

/** Starts the sidecar with its default settings, apart from these and those of the site. */
async function startSidecar(
  site: Site,
  settings: Readonly<Record<string, string>> = {},
): Promise<MeasuredProcess> {
  const opsPort = await freePort();
  return startMeasured({
    name: "the sidecar",
    argv: [process.execPath, await builtSidecar()],
    environment: { ...site.environment, NODE_ENV: "production", OPS_PORT: String(opsPort), ...settings },
    async greet() {
      const response = await fetchDirect(`http://127.0.0.1:${opsPort}/readyz`, { keepalive: false });
      const report: unknown = await response.json();
      const isFilling =
        typeof report === "object" && report !== null && "filling" in report && report.filling === true;
      if (!response.ok || !isFilling) throw new Error(`not ready: ${JSON.stringify(report)}`);
    },
  });
}

function startServer(
  name: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<MeasuredProcess> {
  return startMeasured({
    name,
    argv,
    environment: { ...environment, NODE_ENV: "production" },
    async greet(port) {
      // Any answer shows that it is listening.
      await fetchDirect(`http://127.0.0.1:${port}/`, { method: "POST", keepalive: false });
    },
  });
}

import { describe, test } from "bun:test";
import {
  requireProgram,
  requirePrograms,
  requirePython,
  type ServerKind,
  ServerUnavailable,
  serverSupply,
} from "../../scripts/servers/server-binaries.ts";

/**
 * Declares a suite that needs a server, which is either installed on this machine or started with Docker
 * Compose. Without the server, the suite is skipped with the reason in its title; with `CI=true` it fails with that
 * reason instead.
 *
 * The body runs while tests are collected, even if the suite is skipped, so servers must be started in its hooks and
 * tests.
 */
export function describeWith(kind: ServerKind, title: string, body: () => void): void {
  const supply = serverSupply(kind);
  describeUnless(supply.from === "nowhere" ? supply.reason : null, title, body);
}

/**
 * Declares a suite that configures its servers itself (TLS, Cluster, Sentinel, settings) and therefore
 * never uses Docker.
 */
export function describeWithPrivate(kind: ServerKind, title: string, body: () => void): void {
  describeUnless(
    reasonAgainst(() => requirePrograms(kind)),
    title,
    body,
  );
}

/** Declares a suite that needs Debian's Python with these packages. */
export function describeWithPython(
  packages: Parameters<typeof requirePython>[0],
  title: string,
  body: () => void,
): void {
  describeUnless(
    reasonAgainst(() => requirePython(packages)),
    title,
    body,
  );
}

/** Declares a suite that uses a program whose Debian package has the same name. */
export function describeWithProgram(program: "chromium" | "curl", title: string, body: () => void): void {
  describeUnless(
    reasonAgainst(() => requireProgram(program, program)),
    title,
    body,
  );
}

function reasonAgainst(require: () => unknown): string | null {
  try {
    require();
    return null;
  } catch (error) {
    if (error instanceof ServerUnavailable) return error.message;
    throw error;
  }
}

/** Declares a suite that needs something else. `reason` says why this machine lacks it, or is `null`. */
export function describeUnless(reason: string | null, title: string, body: () => void): void {
  if (reason === null) {
    describe(title, body);
  } else if (process.env.CI === "true") {
    describe(title, () => {
      test("has its server", () => {
        throw new ServerUnavailable(reason);
      });
    });
  } else {
    // Contributors can run all other tests without installing every server. CI has them all, and never comes here.
    describe.skip(`${title} [skipped: ${reason}]`, body);
  }
}

import { afterAll, beforeAll } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTlsCertificates } from "../../scripts/servers/tls-certificates.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { Environment } from "../../src/config/setting-reader.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";

export const generatedSecret = new Uint8Array(32).fill(7);
export const ownSecret = Buffer.from("a shared secret of thirty-two b.").toString("base64");
export const publishedSecret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/** Part of a wrong value, so that a message which shows the value is found. */
export const marker = "hunter2-not-printed";

export const load = (environment: Environment) => loadConfig(environment, () => generatedSecret);

/**
 * Returns the error of a configuration that is refused.
 *
 * @throws {Error} the configuration is accepted
 */
export function failureOf(environment: Environment): ConfigurationInvalid {
  const failure = failureOrNull(environment);
  if (failure === null) throw new Error("the configuration was accepted");
  return failure;
}

/** Returns the problems of a configuration, or an empty list if it is accepted. */
export function problemsOf(environment: Environment): readonly string[] {
  return failureOrNull(environment)?.problems ?? [];
}

function failureOrNull(environment: Environment): ConfigurationInvalid | null {
  try {
    load(environment);
    return null;
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error;
    throw error;
  }
}

/**
 * Gives the tests of a file a folder with all files that settings may name. It is also the working directory, since the
 * defaults name files below it.
 */
export function useConfigFolder() {
  let folder = "";
  const before = process.cwd();
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "ownid-config-"));
    process.chdir(folder);
    await createTlsCertificates(folder);
    for (const name of ["users.db", "session-keys.json"]) writeFileSync(join(folder, name), "");
  });
  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });
  const at = (name: string) => join(folder, name);
  return {
    at,
    text: (name: string) => readFileSync(at(name), "utf8"),
    write(name: string, content: string): string {
      writeFileSync(at(name), content);
      return at(name);
    },
    /** Returns the least that production needs. */
    production: () => ({
      NODE_ENV: "production",
      OWNID_SHARED_SECRET: ownSecret,
      DATABASE_URL: `sqlite:${at("users.db")}`,
      SESSION_KEYS_FILE: at("session-keys.json"),
    }),
  };
}

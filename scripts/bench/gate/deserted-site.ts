import { installationOf } from "../../../src/config/installation.ts";
import { createDemoDatabase } from "../../../src/process/development.ts";
import { createSigningKeys } from "../../../src/sessions/signing-keys.ts";
import { bytesOf, createSignedClient } from "../../client/signed-client.ts";
import { temporaryFolder } from "../../servers/temporary-folder.ts";
import { builtSidecar } from "../built-sidecar.ts";
import { loginIdOf, ownIdDataOf } from "../population.ts";
import { type MeasuredProcess, startMeasured } from "../server-process.ts";
import { keyPrefix } from "../site.ts";

/**
 * A site whose table contains none of its users. What a lookup finds is in Redis only, so every answer that is not a
 * hit is a 404 and shows.
 */
export interface DesertedSite extends Disposable {
  readonly sharedSecret: Uint8Array;
  /** The installation whose hashes its servers believe. */
  readonly installation: string;
  /** The settings of a server, without those of Redis. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface LookupServer {
  readonly site: DesertedSite;
  readonly redisUrl: string;
  readonly replayProtection: "all" | "off";
  /** What to run instead of the build of this source. */
  readonly entry?: string;
}

export const lookupPath = "/ownid/getOwnIDDataByLoginId";

/** At least as long as one run, so that what was signed at its beginning is still valid at its end. */
const signatureSeconds = "600";

export async function createDesertedSite(): Promise<DesertedSite> {
  const folder = temporaryFolder();
  await createDemoDatabase(folder.at("users.db"));
  await createSigningKeys(folder.at("session-keys.json"));
  const sharedSecret = crypto.getRandomValues(new Uint8Array(32));
  const names = { table: "users", loginIdColumn: "email", ownIdDataColumn: "ownIdData" };
  return {
    sharedSecret,
    installation: installationOf({ kind: "sqlite", url: folder.at("users.db"), names }),
    environment: {
      NODE_ENV: "production",
      OPS_PORT: "0",
      OWNID_SHARED_SECRET: Buffer.from(sharedSecret).toString("base64"),
      SESSION_KEYS_FILE: folder.at("session-keys.json"),
      DATABASE_URL: `sqlite:${folder.at("users.db")}`,
      REDIS_KEY_PREFIX: keyPrefix,
      SIGNATURE_MAX_AGE_SECONDS: signatureSeconds,
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** Starts a fresh sidecar that answers a lookup of the first user correctly. */
export async function startLookupServer(options: LookupServer): Promise<MeasuredProcess> {
  const { site, redisUrl, replayProtection, entry } = options;
  return startMeasured({
    name: "the sidecar",
    argv: [process.execPath, entry ?? (await builtSidecar())],
    environment: { ...site.environment, REDIS_URL: redisUrl, REPLAY_PROTECTION: replayProtection },
    greet: (port) => mustAnswer(port, site.sharedSecret),
  });
}

/** @throws {Error} the server does not answer a lookup of the first user with their data */
export async function mustAnswer(port: number, sharedSecret: Uint8Array): Promise<void> {
  const loginId = loginIdOf("user", 0);
  const baseUrl = `http://127.0.0.1:${port}/ownid`;
  const answer = await createSignedClient({ baseUrl, sharedSecret, now: Date.now }).get(loginId);
  const expected = JSON.stringify({ ownIdData: ownIdDataOf(loginId) });
  if (answer.status !== 200 || answer.body !== expected) {
    throw new Error(`a lookup is answered ${answer.status} with ${bytesOf(answer.body).length} bytes`);
  }
}

import type { Config } from "../config/load-config.ts";
import { type NamedFile, readAgain } from "../config/secret-files.ts";
import { readSessionSecret } from "../config/session-config.ts";
import type { Environment } from "../config/setting-reader.ts";
import type { Logger } from "../process/logger.ts";
import { createKeyRing, createSecretKey, type SessionKeys } from "../sessions/key-ring.ts";
import { createSigningKeys, loadSigningKeys } from "../sessions/signing-keys.ts";
import type { ReloadsByVariable } from "./watched-files.ts";

/** The keys of the session tokens, and how their file is reloaded. */
export interface OpenedSessionKeys {
  readonly keys: SessionKeys;
  /** `SESSION_KEYS_FILE`. With HS256 this is empty, because the secret's file is among those of all secrets. */
  readonly files: readonly NamedFile[];
  readonly reloads: ReloadsByVariable;
  /** Reports a key that has begun to sign by its schedule, although no token has been requested since. */
  readonly reportSigner: () => void;
}

/**
 * Opens the keys. Outside production, missing keys are generated. Returns `null` if the sidecar issues no tokens.
 *
 * @throws {ConfigurationInvalid}
 */
export async function openSessionKeys(
  config: Config,
  environment: Environment,
  logger: Logger,
  onSignerChange: (kid: string) => void,
): Promise<OpenedSessionKeys | null> {
  if (config.sessions.site !== null) return null;
  const secret = config.sessions.secret.reveal();
  if (secret === null) return openKeyFile(config, logger, onSignerChange);
  const keys = createSecretKey(secret);
  return {
    keys,
    files: [],
    reloads: {
      SESSION_SECRET_FILE() {
        const changed = readAgain(environment, readSessionSecret, (warning) => logger.warn(warning));
        if (changed !== null) keys.replace(changed);
      },
    },
    reportSigner() {},
  };
}

async function openKeyFile(
  { isProduction, sessions }: Config,
  logger: Logger,
  onSignerChange: (kid: string) => void,
): Promise<OpenedSessionKeys> {
  const { algorithm, keysFile, jwksMaxAgeSeconds: maxAgeSeconds } = sessions;
  if (algorithm === "HS256") throw new Error("HS256 was accepted without a secret");
  if (!isProduction) await createSigningKeys(keysFile, algorithm);
  const load = async () => {
    const loaded = await loadSigningKeys(keysFile, algorithm);
    const warning = privacyWarnings[loaded.privacy];
    if (warning !== null) logger.warn(`SESSION_KEYS_FILE: every account of this machine ${warning}`);
    return loaded;
  };
  const keys = createKeyRing(await load(), {
    maxAgeSeconds,
    now: Date.now,
    onSignerChange(kid) {
      logger.info({ kid }, "another key signs the session tokens from now on");
      onSignerChange(kid);
    },
  });
  return {
    keys,
    files: [{ variable: "SESSION_KEYS_FILE", path: keysFile }],
    reloads: { SESSION_KEYS_FILE: async () => keys.replace(await load()) },
    reportSigner: keys.reportSigner,
  };
}

const privacyWarnings = {
  private: null,
  narrowed: "could read the signing keys; that was taken back, and what the file's group may do was left",
  open: "can read the signing keys, and this account may not change that; bun run doctor says how",
} as const;

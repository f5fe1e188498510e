import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { ConfigurationInvalid, SignatureInvalid } from "../../src/errors.ts";
import { signMessage } from "../../src/protocol/signature.ts";
import { createLiveSecrets } from "../../src/reload/live-secrets.ts";

const nowMs = Date.UTC(2033, 0, 1);
const secretOf = (letter: string, bytes = 32) => new Uint8Array(Buffer.from(letter.repeat(bytes)));
const base64 = (secret: Uint8Array) => Buffer.from(secret).toString("base64");

test("a changed shared secret is used from then on; a wrong one is refused, and a short one warned of", () => {
  using folder = temporaryFolder();
  writeFileSync(folder.at("secret"), base64(secretOf("a")));
  const environment = { OWNID_SHARED_SECRET_FILE: folder.at("secret") };
  const config = loadConfig(environment, () => secretOf("z"));
  const warnings: string[] = [];
  const { verifySignature, reloads } = createLiveSecrets(config, {
    environment,
    now: () => nowMs,
    warn: (warning) => warnings.push(warning),
  });
  const verifyWith = (secret: Uint8Array) => () => {
    const signature = signMessage("{}", String(nowMs), secret);
    return verifySignature({ body: Buffer.from("{}"), signature, timestamp: String(nowMs) });
  };
  expect(verifyWith(secretOf("a"))).not.toThrow();

  writeFileSync(folder.at("secret"), base64(secretOf("b", 16)));
  reloads.OWNID_SHARED_SECRET_FILE?.();
  expect(warnings).toEqual(["OWNID_SHARED_SECRET is shorter than 32 bytes; ask OwnID for a longer one"]);
  expect(verifyWith(secretOf("b", 16))).not.toThrow();
  expect(verifyWith(secretOf("a"))).toThrow(SignatureInvalid);

  writeFileSync(folder.at("secret"), "short");
  expect(() => reloads.OWNID_SHARED_SECRET_FILE?.()).toThrow(ConfigurationInvalid);
  expect(verifyWith(secretOf("b", 16))).not.toThrow();
});

import { ConfigurationInvalid } from "../../../src/errors.ts";
import { endpoints } from "../../client/endpoints.ts";
import { CannotStart } from "../cannot-start.ts";
import { createSignedMessage } from "./signed-message.ts";
import type { Wire } from "./wire.ts";

/**
 * Looks up a login id that nobody has, so that a wrong secret or address is noticed before anyone tries to sign in.
 *
 * @throws {ConfigurationInvalid} the endpoints refuse the signature | {CannotStart} nothing answers
 */
export async function ensureSecretFits({ baseUrl, sharedSecret, send }: Wire): Promise<void> {
  const message = createSignedMessage({
    baseUrl,
    endpoint: endpoints.get,
    body: JSON.stringify({ loginId: "nobody@emulator.invalid" }),
    timestamp: String(Date.now()),
    sharedSecret,
  });
  const { answer, failure } = await send({ message, reason: "check the shared secret" });
  if (answer === null) throw new CannotStart(failure ?? `Nothing answers at ${baseUrl}.`);
  if (answer.status !== 401) return;
  throw new ConfigurationInvalid([
    `OWNID_SHARED_SECRET: the endpoints at ${baseUrl} refuse the signature (401). Run this command in the folder of the sidecar, or set OWNID_SHARED_SECRET to its secret.`,
  ]);
}

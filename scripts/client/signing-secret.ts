import type { Config } from "../../src/config/load-config.ts";
import { UsageWrong } from "../command.ts";

/** Returns the secret that requests are signed with: the first one if OWNID_SHARED_SECRET holds two. */
export function signingSecret({ signature }: Pick<Config, "signature">): Uint8Array {
  const [secret] = signature.sharedSecrets.reveal();
  if (secret === undefined) throw new UsageWrong("Set OWNID_SHARED_SECRET.");
  return secret;
}

import type { Environment } from "./setting-reader.ts";

const variable = "NODE_TLS_REJECT_UNAUTHORIZED";

/**
 * Returns a complaint if the variable turns off the verification of certificates for the whole process, and `null`
 * otherwise. The sidecar's own connections are verified in either case, because they request it themselves.
 */
export function judgeTlsVerification(
  environment: Environment,
  { isProduction, usesTls }: { readonly isProduction: boolean; readonly usesTls: boolean },
): { readonly isWrong: boolean; readonly sentence: string } | null {
  if (environment[variable] !== "0") return null;
  const sentence = `${variable}=0 asks for connections without verified certificates, which the sidecar does not make: unset it. To trust a certificate authority of your own, set DATABASE_TLS_CA_FILE or REDIS_TLS_CA_FILE, or NODE_EXTRA_CA_CERTS for SESSION_URL.`;
  return { isWrong: isProduction && usesTls, sentence };
}

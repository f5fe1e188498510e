import { isLoopback } from "../../src/config/loopback.ts";
import { codeOf } from "../../src/error-code.ts";
import { reasonOf } from "../reason.ts";
import { AnswerTooLong } from "./answer-body.ts";

/** No answer came. `message` says why, and what to do. */
export class NoAnswer extends Error {}

export interface NoAnswerContext {
  /** How long the answer could have taken. */
  readonly limitMs: number;
  /** The option that names the address, such as `--url`. */
  readonly argument: string;
}

/** Returns why no answer came from `url`, and what to do. */
export function describeNoAnswer(error: unknown, url: string, context: NoAnswerContext): string {
  const place = new URL(url);
  return `${explain(error, place, context)}${proxyHint(place)}`;
}

function explain(error: unknown, place: URL, { limitMs, argument }: NoAnswerContext): string {
  const { origin, protocol, host, hostname } = place;
  const code = codeOf(error);
  if (error instanceof Error && error.name === "TimeoutError") {
    return `${origin} did not answer within ${limitMs / 1000} s: it accepted the request and is silent, or a firewall drops it. Check the address and the firewall.`;
  }
  if (error instanceof AnswerTooLong) return `${origin} answered with more than 1 MiB. Check the address.`;
  switch (code) {
    case "ECONNREFUSED":
      return `Nothing listens at ${origin}. Start the sidecar with \`bun run start\`, or set ${argument} to its address.`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `No address is known for ${hostname}. Correct ${argument} or HOST.`;
    case "EPROTO":
      return `${origin} does not speak TLS. If it is the sidecar itself, write http:// in ${argument}.`;
    case "ECONNRESET":
      return `${origin} closed the connection without an answer.${protocol === "http:" ? ` If it expects TLS, write https:// in ${argument}.` : ""}`;
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return `The certificate of ${host} is not valid now (${code}). Renew it, or correct this machine's clock.`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `The certificate of ${host} was made for another host name. Write the name that it has in ${argument}.`;
  }
  if (isAboutTrust(code)) {
    return `The certificate of ${host} is not trusted (${reasonOf(error)}). Name the file of the authority that issued it in NODE_EXTRA_CA_CERTS.`;
  }
  return `The request to ${origin} failed: ${reasonOf(error)}`;
}

/** Returns whether OpenSSL refuses a certificate chain with this code. */
function isAboutTrust(code: string): boolean {
  return /SELF_SIGNED_CERT|UNABLE_TO_(?:VERIFY|GET_ISSUER)|CERT_(?:UNTRUSTED|REJECTED)|UNKNOWN_CERTIFICATE/.test(
    code,
  );
}

/** Returns the hint that a proxy was bypassed, which may be the true cause. */
function proxyHint({ protocol, hostname }: URL): string {
  const variable = protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const isSet = Boolean(process.env[variable] ?? process.env[variable.toLowerCase()]);
  if (!isSet || isLoopback(hostname)) return "";
  return `\nThe request was sent directly, not through the proxy that ${variable} names.`;
}

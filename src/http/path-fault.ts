import type { PathFault } from "../errors.ts";

const hosted = /\/(?:setOwnIDDataByLoginId|getOwnIDDataByLoginId|getSessionByLoginId)\/?$/i;
/** The fourth endpoint of OwnID's contract, for identity documents. */
const notSupported = /\/verifyIdDoc\/?$/i;

/** Tells the operator what is likely wrong with a path that nothing is routed to. The path itself is not logged. */
export function explainPath(url: string): PathFault {
  // Not parsed: where the Host header is no host name, Bun gives a URL that is none.
  const [path = ""] = url.split("?", 1);
  if (hosted.test(path)) return "other base path";
  return notSupported.test(path) ? "endpoint not supported" : "no such path";
}

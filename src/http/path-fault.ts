import type { PathFault } from "../errors.ts";

const hosted = /\/(?:setOwnIDDataByLoginId|getOwnIDDataByLoginId|getSessionByLoginId)\/?$/i;
/** The fourth endpoint of OwnID's contract, for identity documents. */
const notSupported = /\/verifyIdDoc\/?$/i;

/** Returns what is probably wrong with a path that has no route, for the operator. The path itself is not logged. */
export function explainPath(url: string): PathFault {
  // The URL is not parsed, because Bun returns an invalid one if the Host header is not a host name.
  const [path = ""] = url.split("?", 1);
  if (hosted.test(path)) return "other base path";
  return notSupported.test(path) ? "endpoint not supported" : "no such path";
}

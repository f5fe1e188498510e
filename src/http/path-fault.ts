import type { PathFault } from "../errors.ts";

const hosted = /\/(?:setOwnIDDataByLoginId|getOwnIDDataByLoginId|getSessionByLoginId)\/?$/i;
/** The fourth endpoint of OwnID's contract, for identity documents. */
const notSupported = /\/verifyIdDoc\/?$/i;

/** Tells the operator what is likely wrong with a path that nothing is routed to. The path itself is not logged. */
export function explainPath(url: string): PathFault {
  const { pathname } = new URL(url);
  if (hosted.test(pathname)) return "other base path";
  return notSupported.test(pathname) ? "endpoint not supported" : "no such path";
}

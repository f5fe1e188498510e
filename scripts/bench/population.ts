import { createHash } from "node:crypto";

/**
 * A `user` is looked up and logs in. A `writer` is written through the sidecar. An `unhashed` user is written by a server
 * that uses no hashes. A `cold` user has no hash when a round begins.
 */
export type UserKind = "user" | "writer" | "unhashed" | "cold";

export const valueBytes = 1024;

/** `number` may be a pattern for several users, as `bun run loadtest` takes it. */
export function loginIdOf(kind: UserKind, number: number | `{${string}}`): string {
  return `${kind}${number}@example.com`;
}

/**
 * Returns a user's ownIdData. It is JSON like OwnID's own, so its quotation marks are escaped in every answer. Another
 * `version` gives another value.
 */
export function ownIdDataOf(loginId: string, version = ""): string {
  const digest = createHash("sha256").update(`${loginId} ${version}`).digest("base64url");
  const head = `{"devices":[{"id":"${digest}","name":"phone","publicKey":"`;
  const tail = '"}]}';
  const keyBytes = valueBytes - head.length - tail.length;
  return head + digest.repeat(Math.ceil(keyBytes / digest.length)).slice(0, keyBytes) + tail;
}

import { createHash } from "node:crypto";

/**
 * A `user` is looked up and logs in. A `writer` is written through a server that updates its hash. An `unhashed` user
 * is written by a server that knows of no hash. A `cold` user has no hash when a round begins.
 */
export type UserKind = "user" | "writer" | "unhashed" | "cold";

export const valueBytes = 1024;

/** Returns the login id. `number` may be a pattern of several numbers, in the syntax of `bun run loadtest`. */
export function loginIdOf(kind: UserKind, number: number | `{${string}}`): string {
  return `${kind}${number}@example.com`;
}

/**
 * Returns the ownIdData of a user. It is JSON like OwnID's own, so its quotation marks have to be escaped in every
 * answer. A different `version` results in a different value.
 */
export function ownIdDataOf(loginId: string, version = ""): string {
  const digest = createHash("sha256").update(`${loginId} ${version}`).digest("base64url");
  const head = `{"devices":[{"id":"${digest}","name":"phone","publicKey":"`;
  const tail = '"}]}';
  const keyBytes = valueBytes - head.length - tail.length;
  return head + digest.repeat(Math.ceil(keyBytes / digest.length)).slice(0, keyBytes) + tail;
}

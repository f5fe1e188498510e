import { createHash } from "node:crypto";

/**
 * `user` is looked up and logs in, `writer` is written through, `unhashed` is written by a server that knows of no
 * hash, `cold` has no hash when a round begins.
 */
export type UserKind = "user" | "writer" | "unhashed" | "cold";

export const valueBytes = 1024;

/** `number` may be a pattern that stands for many, as `bun run loadtest` understands it. */
export function loginIdOf(kind: UserKind, number: number | `{${string}}`): string {
  return `${kind}${number}@example.com`;
}

/**
 * The ownIdData of a user: JSON like OwnID's own, whose quotation marks have to be escaped in every answer. Another
 * `version` is another value.
 */
export function ownIdDataOf(loginId: string, version = ""): string {
  const digest = createHash("sha256").update(`${loginId} ${version}`).digest("base64url");
  const head = `{"devices":[{"id":"${digest}","name":"phone","publicKey":"`;
  const tail = '"}]}';
  const keyBytes = valueBytes - head.length - tail.length;
  return head + digest.repeat(Math.ceil(keyBytes / digest.length)).slice(0, keyBytes) + tail;
}

import type { Endpoint } from "./signed-client.ts";

/** The last segment of the path of each endpoint, by the short name that the commands use. */
export const endpoints = {
  get: "getOwnIDDataByLoginId",
  set: "setOwnIDDataByLoginId",
  session: "getSessionByLoginId",
} as const satisfies Readonly<Record<string, Endpoint>>;

export type Action = keyof typeof endpoints;

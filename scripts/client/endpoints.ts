/** The short names of the three endpoints, as the commands use them. */
export const actions = ["get", "set", "session"] as const;

export type Action = (typeof actions)[number];

/** The last segment of each endpoint's path. */
export const endpoints = {
  get: "getOwnIDDataByLoginId",
  set: "setOwnIDDataByLoginId",
  session: "getSessionByLoginId",
} as const satisfies Readonly<Record<Action, string>>;

export type Endpoint = (typeof endpoints)[Action];

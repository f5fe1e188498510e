import { createLocalJWKSet, jwtVerify } from "jose";
import { readSigningKeys } from "../../src/sessions/signing-keys.ts";
import { type Endpoint, endpoints } from "../client/endpoints.ts";
import type { SignedClient } from "../client/signed-client.ts";
import {
  bareLookup,
  bareSession,
  bareSet,
  type Contender,
  express,
  fastify,
  guardOff,
  guardOn,
  sample,
} from "./contenders.ts";
import { loginIdOf, ownIdDataOf } from "./population.ts";
import type { Site } from "./site.ts";

export const workloadNames = ["hit", "miss", "unknown", "set", "session"] as const;

export type WorkloadName = (typeof workloadNames)[number];

/** One kind of request, and the contenders that are compared with it. */
export interface Workload {
  readonly title: string;
  readonly contenders: readonly Contender[];
  readonly endpoint: Endpoint;
  readonly status: 200 | 204 | 404;
  /** The size of a correct answer in bytes, including its head. A failure with the right status has another size. */
  readonly answerBytes: { readonly min: number; readonly max: number };
  /** A number of requests per second that no contender reaches. */
  readonly perSecondMax: number;
  /** Returns how many different users are requested. */
  distinct(scene: Scene): number;
  /**
   * Returns the maximum number of requests in one load. If no user may be requested twice, it is the number of users.
   */
  requestsMax(site: Site): number;
  /** Returns the content of the n-th request. */
  content(scene: Scene, number: number): Readonly<Record<string, string>>;
  /** Sends the n-th request as a client does. Returns what is wrong with the answer, or `null`. */
  check(client: SignedClient, scene: Scene, number: number): Promise<string | null>;
}

/** One process of a contender at a site, from its start to its end. */
export interface Scene {
  readonly site: Site;
  readonly contender: Contender;
  /** Unique among the scenes. */
  readonly id: number;
}

/** How many cold users a site needs for each second of a load. */
export const missesPerSecondMax = 50_000;

const unlimited = () => Number.POSITIVE_INFINITY;
const lookups = [bareLookup, guardOff, guardOn];

/** A lookup that is answered with data. */
const foundUser = {
  endpoint: endpoints.get,
  status: 200,
  answerBytes: { min: 1024, max: 2048 },
} as const;

export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  hit: {
    title: "lookup of a user whose value is in Redis",
    contenders: [...lookups, fastify, express, sample],
    ...foundUser,
    perSecondMax: 60_000,
    distinct: ({ site }) => site.users.user,
    requestsMax: unlimited,
    content: ({ site }, number) => ({ loginId: loginIdOf("user", number % site.users.user) }),
    check: (client, _scene, number) => checkLookup(client, loginIdOf("user", number)),
  },
  miss: {
    title: "lookup of a user whose value is in Postgres only",
    contenders: lookups,
    ...foundUser,
    perSecondMax: missesPerSecondMax,
    distinct: ({ site }) => site.users.cold,
    requestsMax: (site) => site.users.cold,
    content: ({ site }, number) => ({ loginId: loginIdOf("cold", number % site.users.cold) }),
    check: (client, _scene, number) => checkLookup(client, loginIdOf("cold", number)),
  },
  unknown: {
    title: "lookup of an unknown user (404)",
    contenders: lookups,
    endpoint: endpoints.get,
    status: 404,
    answerBytes: { min: 0, max: 320 },
    perSecondMax: 60_000,
    distinct: () => Number.MAX_SAFE_INTEGER,
    requestsMax: unlimited,
    content: (scene, number) => ({ loginId: nobody(scene, number) }),
    async check(client, scene, number) {
      const { status, body } = await client.get(nobody(scene, number));
      return status === 404 && body === "" ? null : `answered ${status} ${body}`;
    },
  },
  set: {
    title: "set, committed to Postgres",
    contenders: [bareSet, guardOff, guardOn],
    endpoint: endpoints.set,
    status: 204,
    answerBytes: { min: 0, max: 320 },
    perSecondMax: 20_000,
    distinct: (scene) => scene.site.users[writtenBy(scene)],
    requestsMax: unlimited,
    content: changeOf,
    async check(client, scene, number) {
      const { loginId, ownIdData } = changeOf(scene, number);
      const { status } = await client.set(loginId, ownIdData);
      const [row] = await scene.site.sql`SELECT "ownIdData" FROM users WHERE email = ${loginId}`;
      if (status !== 204) return `answered ${status}`;
      return row?.ownIdData === ownIdData ? null : "the row does not hold what was set";
    },
  },
  session: {
    title: "session token for a user",
    contenders: [bareSession, guardOff, guardOn],
    endpoint: endpoints.session,
    status: 200,
    answerBytes: { min: 400, max: 1023 },
    perSecondMax: 30_000,
    distinct: ({ site }) => site.users.user,
    requestsMax: unlimited,
    content: ({ site }, number) => ({ loginId: loginIdOf("user", number % site.users.user) }),
    check: checkSession,
  },
};

const nobody = (scene: Scene, number: number) => `nobody${scene.id}-${number}@example.com`;

/**
 * A server that knows of no hash has its own users. Otherwise it would leave wrong hashes that the sidecar would have
 * to repair.
 */
const writtenBy = ({ contender }: Scene) => (contender.writesThrough ? "writer" : "unhashed");

/** Returns a value that differs between scenes and between passes, so that each write changes the row. */
function changeOf(scene: Scene, number: number) {
  const kind = writtenBy(scene);
  const count = scene.site.users[kind];
  const loginId = loginIdOf(kind, number % count);
  return { loginId, ownIdData: ownIdDataOf(loginId, `${scene.id} ${Math.floor(number / count)}`) };
}

async function checkLookup(client: SignedClient, loginId: string): Promise<string | null> {
  const { status, body } = await client.get(loginId);
  const isRight = status === 200 && Bun.deepEquals(JSON.parse(body), { ownIdData: ownIdDataOf(loginId) });
  return isRight ? null : `answered ${status} ${body}`;
}

async function checkSession(client: SignedClient, { site }: Scene, number: number): Promise<string | null> {
  const loginId = loginIdOf("user", number);
  const { status, body } = await client.session(loginId);
  if (status !== 200) return `answered ${status} ${body}`;
  const { publicKeys } = await readSigningKeys(site.keysFile);
  const { payload } = await jwtVerify(JSON.parse(body).token, createLocalJWKSet(publicKeys), {
    algorithms: ["ES256"],
    issuer: "ownid-sidecar",
    audience: "website",
    typ: "ownid-session+jwt",
  });
  return payload.sub === loginId ? null : "the token is for somebody else";
}

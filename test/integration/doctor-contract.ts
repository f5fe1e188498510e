import { expect, test } from "bun:test";
import { SQL } from "bun";
import {
  causeAndFix,
  createDeployment,
  type Deployment,
  type Fault,
  faultsOf,
  itemsOf,
} from "../support/deployment.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { createSidecarRedis } from "../support/sidecar-redis.ts";

/** A deployment whose database has the site's table, and an account that may do what a sidecar does. */
export interface DoctorSite extends Deployment {
  /** The sidecar's account, as GRANT writes it. */
  readonly account: string;
}

export interface DoctorSiteOptions {
  /** The administrator's URL of the site's database. */
  readonly url: string;
  /** The name of the sidecar's account. */
  readonly name: string;
  readonly account: string;
  /** Creates the table and the account, with `sidecarPassword`. */
  readonly statements: readonly string[];
  readonly settings: Deployment["environment"];
}

export const sidecarPassword = "secret of the sidecar";

export async function createDoctorSite(options: DoctorSiteOptions): Promise<DoctorSite> {
  const { url, name, account, statements, settings } = options;
  const administrator = new SQL(url, { max: 1 });
  for (const statement of statements) await administrator.unsafe(statement);
  const own = new URL(url);
  own.username = name;
  own.password = sidecarPassword;
  const deployment = await createDeployment({ DATABASE_URL: own.href, ...settings });
  return {
    ...deployment,
    account,
    administrate: (statement) => administrator.unsafe(statement),
    async [Symbol.asyncDispose]() {
      await deployment[Symbol.asyncDispose]();
      await administrator.close();
    },
  };
}

type CreateSite = (settings?: Deployment["environment"]) => Promise<DoctorSite>;

/** What the doctor does for every database server. */
export function testDoctor(
  createSite: CreateSite,
  faults: Readonly<Record<string, Fault<DoctorSite>>>,
): void {
  for (const [what, fault] of Object.entries(faults)) {
    test(`names and fixes ${what}`, async () => {
      await using site = await createSite();
      expect(await causeAndFix(site, fault)).toEqual([fault.status, "fine"]);
    });
  }

  test("says how many users cannot log in for want of a subject", async () => {
    await using site = await createSite({ SESSION_SUBJECT_COLUMN: "uuid", SESSION_CLAIMS: "name:name" });
    await site.administrate("ALTER TABLE users ADD COLUMN uuid VARCHAR(36)");
    await site.administrate(`GRANT SELECT (uuid, name) ON users TO ${site.account}`);
    await site.administrate("INSERT INTO users (email, uuid) VALUES ('a', NULL), ('b', ''), ('c', 'c')");
    expect(await faultsOf(site)).toEqual(["database.subject-column: wrong", "subjects.present: wrong"]);
    const { detail } = (await itemsOf(site)).get("subjects.present") ?? {};
    expect(detail).toBe('2 users have none in column "uuid", and so cannot log in');
    await site.administrate("CREATE UNIQUE INDEX by_uuid ON users (uuid)");
    await site.administrate("DELETE FROM users WHERE uuid IS NULL OR uuid = ''");
    expect(await faultsOf(site)).toEqual([]);
  });

  describeWithPrivate("redis", "and Redis", () => {
    test("has nothing to say about a good set-up", async () => {
      await using redis = await createSidecarRedis();
      await using site = await createSite({ REDIS_URL: redis.url });
      await site.administrate("INSERT INTO users VALUES (1, 'Sol@testmail.com', '{}', NULL)");
      expect(await faultsOf(site)).toEqual([]);
    });
  });
}

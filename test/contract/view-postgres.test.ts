import { expect, setDefaultTimeout, test } from "bun:test";
import { createPostgresSite, grant, table, unique } from "../support/advised-postgres.ts";
import { itemsOf } from "../support/deployment.ts";
import { describeWith } from "../support/describe-with.ts";
import { problemsAtStart, rows } from "../support/followed-advice.ts";

setDefaultTimeout(30_000);

describeWith("postgres", "a view in Postgres", () => {
  const views: Record<string, { sql: readonly string[]; isAccepted: boolean }> = {
    "of a whole table that has a unique index, beside another index": {
      sql: [
        unique,
        "CREATE INDEX ON users (email)",
        "CREATE VIEW shown AS SELECT * FROM users WHERE NOT gone",
      ],
      isAccepted: true,
    },
    "whose WHERE implies more than that of the unique index": {
      sql: [
        table(),
        "CREATE UNIQUE INDEX ON users (email) WHERE NOT gone",
        "CREATE INDEX ON users (email)",
        "CREATE VIEW shown AS SELECT * FROM users WHERE NOT gone AND email LIKE '%@%'",
      ],
      isAccepted: true,
    },
    "of a table that has grown since it was analysed, beside an index that looks cheaper then": {
      sql: [
        table(),
        "ALTER TABLE users SET (autovacuum_enabled = false)",
        "CREATE UNIQUE INDEX ON users (email) WHERE NOT gone",
        "CREATE INDEX ON users (email)",
        "INSERT INTO users (email, gone) SELECT 'user' || n, n % 3 = 0 FROM generate_series(1, 20000) n",
        "CREATE VIEW shown AS SELECT * FROM users WHERE NOT gone",
      ],
      isAccepted: true,
    },
    "of a view": {
      sql: [
        table(),
        "CREATE UNIQUE INDEX ON users (email) WHERE NOT gone",
        "CREATE VIEW inner_view AS SELECT * FROM users WHERE NOT gone",
        "CREATE VIEW shown AS SELECT * FROM inner_view",
      ],
      isAccepted: true,
    },
    "by another name of the column": {
      sql: [
        table().replace("email", "mail"),
        "CREATE UNIQUE INDEX ON users (mail) WHERE NOT gone",
        'CREATE VIEW shown AS SELECT mail AS email, "ownIdData" FROM users WHERE NOT gone',
      ],
      isAccepted: true,
    },
    "whose unique index is on another column": {
      sql: [
        table(),
        "CREATE UNIQUE INDEX ON users (town) WHERE NOT gone",
        "CREATE VIEW shown AS SELECT * FROM users WHERE NOT gone",
      ],
      isAccepted: false,
    },
    "whose unique index leaves out what any other text would imply": {
      sql: [
        table(),
        "CREATE UNIQUE INDEX ON users (email) WHERE email <> ''",
        "CREATE VIEW shown AS SELECT * FROM users",
      ],
      isAccepted: false,
    },
    "that shows rows which the unique index does not cover": {
      sql: [
        table(),
        "CREATE UNIQUE INDEX ON users (email) WHERE NOT gone",
        "CREATE VIEW shown AS SELECT * FROM users WHERE town IS NULL",
      ],
      isAccepted: false,
    },
    "whose unique index has another expression": {
      sql: [
        table(),
        "CREATE UNIQUE INDEX ON users (lower(email)) WHERE NOT gone",
        "CREATE VIEW shown AS SELECT * FROM users WHERE NOT gone",
      ],
      isAccepted: false,
    },
    "that multiplies rows": {
      sql: [unique, "CREATE VIEW shown AS SELECT u.* FROM users u, generate_series(1, 2)"],
      isAccepted: false,
    },
  };

  for (const [what, { sql, isAccepted }] of Object.entries(views)) {
    test(`is ${isAccepted ? "accepted" : "refused"} ${what}`, async () => {
      await using site = await createPostgresSite();
      for (const statement of sql) await site.administrate(statement);
      await site.administrate(grant.replace("users", "shown"));
      site.environment.USERS_TABLE = "shown";
      const problems = await problemsAtStart(site);
      if (isAccepted) expect(problems).toEqual([]);
      else
        expect(problems[0]).toStartWith(
          'USERS_LOGIN_ID_COLUMN: Postgres cannot tell that column "email" of the view "shown" is unique',
        );
      const faults = [...(await itemsOf(site)).values()].filter(({ status }) => status === "wrong");
      expect(faults.length === 0).toBe(isAccepted);
    });
  }

  test("refuses a table whose descendants have rows that its unique index does not cover", async () => {
    await using site = await createPostgresSite();
    for (const statement of [unique, rows, "CREATE TABLE admins () INHERITS (users)", grant])
      await site.administrate(statement);
    expect(await problemsAtStart(site)).toEqual([expect.stringContaining('column "email" is not unique')]);
  });

  const live = "CREATE VIEW shown AS SELECT * FROM users WHERE NOT gone";
  const trigger = "CREATE TRIGGER instead INSTEAD OF UPDATE ON shown FOR EACH ROW EXECUTE FUNCTION pass()";
  test.each([
    ["a trigger only", [`${live} LIMIT 100`, trigger]],
    ["a trigger, though Postgres could do without", [live, trigger]],
    [
      "a trigger of a view behind it",
      [
        live.replace("shown", "inner_view"),
        trigger.replace("shown", "inner_view"),
        "CREATE VIEW shown AS SELECT * FROM inner_view",
      ],
    ],
    [
      "a rule",
      [
        live,
        `CREATE RULE instead AS ON UPDATE TO shown DO INSTEAD
           UPDATE users SET "ownIdData" = NEW."ownIdData" WHERE email = OLD.email`,
      ],
    ],
  ])("is refused whose rows an UPDATE reaches through %s", async (_, sql) => {
    await using site = await createPostgresSite();
    await site.administrate(unique);
    await site.administrate(
      "CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    );
    for (const statement of [...sql, grant.replace("users", "shown")]) await site.administrate(statement);
    site.environment.USERS_TABLE = "shown";
    expect((await problemsAtStart(site)).join("\n")).toContain(
      'USERS_TABLE: "shown" takes no UPDATE of column "ownIdData" that reaches a table by itself.',
    );
  });
});

import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../src/config/load-config.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import { load, marker, ownSecret, problemsOf, useConfigFolder } from "../support/loaded-config.ts";

const folder = useConfigFolder();

describe("a secret from a file", () => {
  test("is the variable's value, white space at its ends aside", () => {
    const config = load({
      OWNID_SHARED_SECRET_FILE: folder.write("secret", `${ownSecret}\n`),
      DATABASE_URL_FILE: folder.write("url", "postgres://user:password@h/d\r\n"),
    });
    expect(config.signature.sharedSecrets.reveal()).toEqual([
      new Uint8Array(Buffer.from(ownSecret, "base64")),
    ]);
    expect(config.database.url.reveal()).toBe("postgres://user:password@h/d");
  });

  test("beside the variable itself is refused: one of them is out of date", () => {
    const both = {
      OWNID_SHARED_SECRET: ownSecret,
      OWNID_SHARED_SECRET_FILE: folder.write("secret", ownSecret),
      DATABASE_URL: "postgres://h/d",
      DATABASE_URL_FILE: folder.write("url", "postgres://h/d"),
    };
    expect(problemsOf(both)).toEqual([
      "OWNID_SHARED_SECRET and OWNID_SHARED_SECRET_FILE are both set; keep one.",
      "DATABASE_URL and DATABASE_URL_FILE are both set; keep one.",
    ]);
  });

  test("that cannot be read is one problem, and no secret is made in its place", () => {
    const unreadable = { OWNID_SHARED_SECRET_FILE: folder.at(marker), DATABASE_URL_FILE: folder.at(".") };
    const names = (problems: readonly string[]) => problems.map((problem) => problem.split(" ")[0]);
    const expected = ["OWNID_SHARED_SECRET_FILE", "DATABASE_URL_FILE"];
    expect(names(problemsOf(unreadable))).toEqual(expected);
    const { OWNID_SHARED_SECRET, DATABASE_URL, ...rest } = folder.production();
    expect(names(problemsOf({ ...rest, ...unreadable }))).toEqual(expected);
    expect(() => loadConfig(unreadable, () => expect.unreachable("a secret was made"))).toThrow(
      ConfigurationInvalid,
    );
  });

  test("that is empty is a wrong value, and no secret is made in its place", () => {
    const empty = { OWNID_SHARED_SECRET_FILE: folder.write("empty", "\n") };
    expect(() => loadConfig(empty, () => expect.unreachable("a secret was made"))).toThrow(
      ConfigurationInvalid,
    );
    expect(problemsOf(empty)).toHaveLength(1);
  });

  test("named where the secret itself was pasted does not print it", () => {
    const pasted = {
      OWNID_SHARED_SECRET_FILE: ownSecret,
      DATABASE_URL_FILE: `postgres://user:${marker}@h/d`,
    };
    const text = problemsOf(pasted).join("\n");
    expect(text).toContain("OWNID_SHARED_SECRET_FILE");
    expect(text).toContain("DATABASE_URL_FILE");
    expect(text).not.toContain(ownSecret);
    expect(text).not.toContain(marker);
  });

  test("is not looked for where the variable is no secret", () => {
    expect(load({ PORT_FILE: folder.at("nothing") }).publicListener.port).toBe(3300);
  });
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { adminToken, backendToken, createOpsClient, type OpsClient, sol } from "../support/ops-client.ts";
import { outcomeOf, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

let app: RunningApp;
let ops: OpsClient;
beforeAll(async () => {
  app = await startApp({
    users: [{ email: sol }, { email: "mia@testmail.com" }, { email: "Zoë %@ex.com" }],
    adminToken,
    backendToken,
  });
  ops = createOpsClient(app);
});
afterAll(() => app[Symbol.asyncDispose]());

describe("a wrong bearer token", () => {
  const paths = ["/introspect", "/session/exchange", "/admin/revoke"];

  test("is 401 without detail, whatever else is wrong", async () => {
    for (const path of paths) {
      await using fresh = await startApp({ adminToken, backendToken });
      const { postForm } = createOpsClient(fresh);
      for (const token of [null, "wrong", `${backendToken}x`, backendToken.slice(1)]) {
        for (const form of ["token=a", "", "tokens=a"]) {
          const answer = await postForm(path, form, token);
          expect(outcomeOf(answer)).toEqual(problem("ERR_TOKEN_INVALID"));
          expect(answer.headers.get("www-authenticate")).toBe("Bearer");
        }
      }
    }
  });

  test("of the backend does not open the administrator's paths", async () => {
    expect(await ops.revoke({ jti: "a" }, backendToken)).toEqual(problem("ERR_TOKEN_INVALID"));
  });

  test("is 429 after 30 within a minute, while the right one goes on", async () => {
    await using fresh = await startApp({ adminToken, backendToken });
    const { postForm } = createOpsClient(fresh);
    const statuses: number[] = [];
    for (let turn = 0; turn < 40; turn += 1)
      statuses.push((await postForm("/introspect", "token=a", `wrong-${turn}`)).status);
    expect(statuses).toEqual([...Array(30).fill(401), ...Array(10).fill(429)]);
    const refused = await postForm("/session/exchange", "token=a", "wrong");
    expect([outcomeOf(refused), refused.headers.get("retry-after")]).toEqual([
      problem("ERR_TOO_MANY_FAILURES"),
      "60",
    ]);
    expect((await postForm("/introspect", "token=a")).status).toBe(200);
    expect((await postForm("/introspect", "token=a", adminToken)).status).toBe(200);
  });

  test("and the right one are 404 while neither is configured, but the administrator's opens both", async () => {
    await using closed = await startApp();
    for (const path of paths)
      for (const token of [null, "null", backendToken])
        expect(outcomeOf(await createOpsClient(closed).postForm(path, "token=a", token))).toEqual(
          problem("ERR_PATH_UNKNOWN"),
        );
    await using admin = await startApp({ adminToken });
    expect((await createOpsClient(admin).postForm("/introspect", "token=a", adminToken)).status).toBe(200);
  });
});

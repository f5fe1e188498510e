import { afterAll } from "bun:test";
import jwt from "jsonwebtoken";
import { json, outcomeOf } from "./problems.ts";
import { type RunningApp, startApp } from "./running-app.ts";
import { createForger } from "./session-tokens.ts";

export const sol = "sol@testmail.com";
export const adminToken = "an-admin-token-of-32-characters-!";
export const backendToken = "a-backend-token-of-32-characters!";
/** The introspection answer for everything that is not an active session token. */
export const inactive = json(200, { active: false });

/** Creates the requests that a site's backend, its proxy and its operators send to the ops listener. */
export function createOpsClient(app: RunningApp) {
  const nowSeconds = () => Math.floor(app.clock.nowMs / 1000);

  async function send(path: string, init: RequestInit) {
    const response = await fetch(app.opsUrl + path, init);
    return { status: response.status, headers: response.headers, body: await response.text() };
  }

  function postForm(path: string, form: string, token: string | null = backendToken) {
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
    return send(path, { method: "POST", headers, body: form });
  }

  return {
    send,
    postForm,
    forger: createForger(app.keys, nowSeconds),
    nowSeconds,
    introspect: async (token: string) =>
      outcomeOf(await postForm("/introspect", new URLSearchParams({ token }).toString())),
    exchange: async (token: string) =>
      outcomeOf(await postForm("/session/exchange", new URLSearchParams({ token }).toString())),
    verify: (headers: Record<string, string>) => send("/verify", { headers }),
    async revoke(body: unknown, token = adminToken) {
      const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
      return outcomeOf(await send("/admin/revoke", { method: "POST", headers, body: JSON.stringify(body) }));
    },
    /** Requests a session token, as OwnID does. */
    async newToken(loginId = sol, sessionType?: string): Promise<string> {
      const { status, body } = await app.client.session(loginId, sessionType);
      if (status !== 200) throw new Error(`no session: ${status} ${body}`);
      return tokenOf(JSON.parse(body));
    },
  };
}

export type OpsClient = ReturnType<typeof createOpsClient>;

/** Starts one application with both tokens and three users for all tests of a file, and stops it after the last one. */
export async function shareOpsApp() {
  const users = [{ email: sol }, { email: "mia@testmail.com" }, { email: "Zoë %@ex.com" }];
  const app = await startApp({ users, adminToken, backendToken });
  afterAll(() => app[Symbol.asyncDispose]());
  return { app, ops: createOpsClient(app) };
}

export const claimsOf = (token: string): jwt.JwtPayload => jwt.decode(token, { json: true }) ?? {};
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Returns the token in an answer. */
export function tokenOf(body: unknown): string {
  if (typeof body === "object" && body !== null && "token" in body) return String(body.token);
  throw new Error("the answer has no token");
}

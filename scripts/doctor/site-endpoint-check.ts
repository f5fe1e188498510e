import type { Config } from "../../src/config/load-config.ts";
import { codeOf } from "../../src/error-code.ts";
import { fixWhen } from "../../src/fix.ts";
import { webhookHeaders } from "../../src/sessions/standard-webhooks.ts";
import { fetchDirect } from "../client/fetch-direct.ts";
import { reasonOf } from "../reason.ts";
import { type Check, fine, type Verdict, warning, wrong } from "./check.ts";

type Site = NonNullable<Config["sessions"]["site"]>;

/** This login id belongs to nobody. An endpoint that does not verify the signature creates a session for this user. */
const body = JSON.stringify({ loginId: "doctor", sessionType: null, subject: "doctor", claims: {} });
const notFound: ReadonlySet<number> = new Set([404, 405]);

/** Sends a request with a wrong signature, which the site must refuse. */
export const siteEndpointCheck: Check<Site> = {
  id: "sessions.endpoint",
  title: "endpoint of the site",
  async examine({ url, timeoutMs }) {
    const message = { id: `msg_${crypto.randomUUID()}`, timestamp: Math.floor(Date.now() / 1000), body };
    const headers = webhookHeaders(message, [crypto.getRandomValues(new Uint8Array(32))]);
    try {
      const { status } = await fetchDirect(url, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
        tls: { rejectUnauthorized: true },
      });
      return judge(status);
    } catch (error) {
      const isSlow = error instanceof Error && error.name === "TimeoutError";
      const reason = isSlow
        ? `does not answer within ${timeoutMs} ms`
        : `cannot be reached (${codeOf(error) || reasonOf(error)})`;
      return wrong(`the endpoint at SESSION_URL ${reason}`, [
        fixWhen(
          "Start the endpoint, or correct SESSION_URL; for an authority of your own, set NODE_EXTRA_CA_CERTS",
        ),
      ]);
    }
  },
};

function judge(status: number): Verdict {
  if (status < 300 || status === 423) {
    return wrong(
      `the endpoint at SESSION_URL answers ${status} to a request with a wrong signature, so anybody can log in through it`,
      [
        fixWhen(
          "Let it verify webhook-signature with SESSION_URL_SECRET before anything else, and answer 401",
        ),
      ],
    );
  }
  if (status < 400) {
    return wrong(`SESSION_URL leads to a redirect (${status}), which the sidecar does not follow`, [
      fixWhen("Name the address that the redirect leads to in SESSION_URL"),
    ]);
  }
  if (notFound.has(status))
    return wrong(`the path of SESSION_URL does not accept POST (${status})`, [
      fixWhen("Correct the path of SESSION_URL"),
    ]);
  if (status >= 500) {
    return warning(`the endpoint at SESSION_URL answers ${status} to a request with a wrong signature`, [
      fixWhen("See the log of the site, and let the endpoint answer 401"),
    ]);
  }
  return fine(`it refuses a request with a wrong signature (${status})`);
}

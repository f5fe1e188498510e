import { readAnswerBody } from "../client/answer-body.ts";
import { fetchDirect } from "../client/fetch-direct.ts";
import { describeNoAnswer, NoAnswer } from "../client/no-answer.ts";
import { type Answer, createSignedClient, type SignedRequest } from "../client/signed-client.ts";
import type { Target } from "../client/target.ts";
import { createTickingClock } from "../client/ticking-clock.ts";

export interface Exchange {
  readonly request: SignedRequest;
  /** `null` if no answer came. */
  readonly answer: Answer | null;
  /** Why no answer came. It is empty if one did. */
  readonly failure: string;
  readonly durationMs: number;
}

/** The run was interrupted, or has used up its time or its number of requests. `message` says which. */
export class Stopped extends Error {}

export interface WireOptions {
  readonly target: Target;
  readonly sharedSecret: Uint8Array;
  /** No further request is sent once this is aborted. */
  readonly stop: AbortSignal;
}

export interface Wire {
  /** Signs a request with a timestamp that no other request of this run has. */
  readonly sign: ReturnType<typeof createSignedClient>["sign"];
  /** @throws {NoAnswer} | {Stopped} */
  send(request: SignedRequest): Promise<Answer>;
  /** Returns the exchanges since the last call, in the order in which they ended. */
  takeExchanges(): Exchange[];
}

/** How long the server may take for one answer. */
const answerMs = 10_000;
/** The maximum number of requests in a run. */
const requestsMax = 1000;
const runMs = 300_000;
/** After this many unanswered requests in a row, the server counts as gone, and the remaining cases are not tried. */
const unansweredMax = 3;

/** Sends requests to the address that the target's name resolved to at the start, and records the answers. */
export function createWire({ target, sharedSecret, stop }: WireOptions): Wire {
  const { sign } = createSignedClient({ baseUrl: target.url, sharedSecret, now: createTickingClock() });
  const deadline = performance.now() + runMs;
  let exchanges: Exchange[] = [];
  let requests = 0;
  let unanswered = 0;

  function refuseBeyondLimits(): void {
    if (stop.aborted) throw new Stopped("The run was interrupted.");
    if (unanswered >= unansweredMax) throw new Stopped(`${unansweredMax} requests in a row got no answer.`);
    if (performance.now() > deadline) throw new Stopped(`The run took longer than ${runMs / 1000} s.`);
    if (requests >= requestsMax) throw new Stopped(`The run sent ${requestsMax} requests.`);
  }

  async function send(request: SignedRequest): Promise<Answer> {
    refuseBeyondLimits();
    requests += 1;
    const startedAt = performance.now();
    const record = (answer: Answer | null, failure: string) =>
      exchanges.push({ request, answer, failure, durationMs: performance.now() - startedAt });
    try {
      // A request in flight is not aborted when the run is stopped, because a `set` could take effect after the
      // user's data has been restored.
      const answer = await sendTo(target, request);
      unanswered = 0;
      record(answer, "");
      return answer;
    } catch (error) {
      const failure = describeNoAnswer(error, request.url, { limitMs: answerMs, argument: "the base URL" });
      unanswered += 1;
      record(null, failure);
      throw new NoAnswer(failure);
    }
  }

  return {
    sign,
    send,
    takeExchanges() {
      const taken = exchanges;
      exchanges = [];
      return taken;
    },
  };
}

async function sendTo(target: Target, { method, url, headers, body }: SignedRequest): Promise<Answer> {
  const place = new URL(url);
  const name = place.hostname;
  place.hostname = target.address.includes(":") ? `[${target.address}]` : target.address;
  const response = await fetchDirect(place.href, {
    method,
    headers: { ...headers, host: target.host },
    ...(method === "GET" || method === "HEAD" ? {} : { body }),
    ...(place.protocol === "https:" ? { tls: { serverName: name } } : {}),
    // Each request gets its own connection. `fetch` would resend a request that an idle connection has lost, and
    // behind a load balancer each request should be able to reach another instance.
    keepalive: false,
    redirect: "manual",
    signal: AbortSignal.timeout(answerMs),
  });
  return { status: response.status, headers: response.headers, body: await readAnswerBody(response) };
}

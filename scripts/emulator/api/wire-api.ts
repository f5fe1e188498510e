import { type Static, t } from "elysia";
import { type Endpoint, endpoints } from "../../client/endpoints.ts";

/** The log of the calls that the platform sends to the site, under `/wire`. */

const { get, set, session } = endpoints;
export const EndpointName = t.Union([t.Literal(get), t.Literal(set), t.Literal(session)]);

/** `GET /wire` is `{calls: WireCall[]}`, oldest first, at most the last 500. `DELETE /wire`: 204, forgets them. */
export interface WireCall {
  readonly id: number;
  /** ISO 8601. */
  readonly sentAt: string;
  readonly endpoint: Endpoint;
  /** Why the platform called: `discovery`, `sign-in: ask for the session`. */
  readonly reason: string;
  readonly request: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  readonly signature: {
    /** What is signed: the body, a dot, the timestamp. */
    readonly signed: string;
    readonly value: string;
    readonly timestamp: string;
  };
  /** `null` while the call is open, and if no answer came. */
  readonly answer: {
    readonly status: number;
    readonly statusText: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  } | null;
  /** Why no answer came, in a sentence or two, or `null`. */
  readonly failure: string | null;
  /** `null` while the call is open. */
  readonly durationMs: number | null;
  /** The command that sends the same request again. */
  readonly curl: string;
  /** The fault of the call (`/control/next-call`) or how it was sent again (`/wire/:id/resend`), or `null`. */
  readonly fault: string | null;
  /** `id` of the call that this one sends again, or `null`. */
  readonly resends: number | null;
}

/**
 * `GET /wire/events`: `text/event-stream`. Each event `call` carries a `WireCall`, once when it is sent and once when it
 * is over (the same `id`); event `cleared` carries `{}`.
 * `GET /wire/har`: HAR 1.2, as a download.
 */
export type WireEvent =
  | { readonly event: "call"; readonly data: WireCall }
  | { readonly event: "cleared"; readonly data: Readonly<Record<string, never>> };

/**
 * `POST /wire/:id/resend`
 *
 * - `altered`: one character of the body differs; the signature is the old one.
 * - `expired`: signed rightly, with a timestamp two minutes old.
 * - `replayed`: the same bytes and headers again.
 * - `elsewhere`: the same bytes and headers, sent to another endpoint.
 */
export const ResendRequest = t.Object({
  as: t.Union([t.Literal("altered"), t.Literal("expired"), t.Literal("replayed"), t.Literal("elsewhere")]),
});
export type ResendRequest = Static<typeof ResendRequest>;

export interface ResendAnswer {
  readonly call: WireCall;
  /** Whether the site did what it should, as far as can be seen: it refused, or answered again without acting again. */
  readonly holds: boolean;
  /** What happened, and why that is right or wrong. */
  readonly verdict: string;
}

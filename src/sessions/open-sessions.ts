import { createJwtSessions, type JwtSessionsOptions, revocationSeconds } from "./jwt-sessions.ts";
import type { SessionKeys } from "./key-ring.ts";
import type { SessionLedger } from "./session-ledger.ts";
import { type SessionService, tokenService } from "./session-service.ts";
import { createSiteEndpoint, type SiteEndpointOptions } from "./site-endpoint.ts";
import { siteService } from "./site-sessions.ts";

export interface SessionSettings extends Omit<JwtSessionsOptions, "keys" | "ledger" | "now"> {
  /** The endpoint of `SESSION_PROVIDER=http`; `null` = the sidecar issues tokens. */
  readonly site: Pick<SiteEndpointOptions, "url" | "timeoutMs"> | null;
}

export interface OpenSessionsOptions {
  /** `null` if the sidecar issues no tokens. */
  readonly keys: SessionKeys | null;
  readonly siteSecrets: SiteEndpointOptions["secrets"];
  /** Opens the record of revocations. Each is kept for `keepSeconds`. Called only if the sidecar issues tokens. */
  readonly openLedger: (keepSeconds: number) => SessionLedger;
  /** Returns milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** Opens the sessions that `SESSION_PROVIDER` asks for. */
export function openSessions(settings: SessionSettings, options: OpenSessionsOptions): SessionService {
  const { keys, siteSecrets, openLedger, now } = options;
  if (settings.site !== null) {
    return siteService(createSiteEndpoint({ ...settings.site, secrets: siteSecrets, now }), settings);
  }
  if (keys === null) throw new Error("the sidecar is to issue tokens, but has no keys");
  const ledger = openLedger(revocationSeconds(settings));
  return tokenService(createJwtSessions({ ...settings, keys, ledger, now }));
}

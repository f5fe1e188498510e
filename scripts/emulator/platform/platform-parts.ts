import type { Authorizations } from "./authorizations.ts";
import type { Codes } from "./codes.ts";
import type { Passkeys } from "./passkeys.ts";
import type { SiteEndpoints } from "./site-endpoints.ts";

/** The dependencies of every part of the platform. */
export interface PlatformParts {
  readonly site: SiteEndpoints;
  readonly passkeys: Passkeys;
  readonly codes: Codes;
  readonly authorizations: Authorizations;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

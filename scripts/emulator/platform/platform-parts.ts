import type { Authorizations } from "./authorizations.ts";
import type { Codes } from "./codes.ts";
import type { Passkeys } from "./passkeys.ts";
import type { SiteEndpoints } from "./site-endpoints.ts";

/** What every part of the platform works with. */
export interface PlatformParts {
  readonly site: SiteEndpoints;
  readonly passkeys: Passkeys;
  readonly codes: Codes;
  readonly authorizations: Authorizations;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

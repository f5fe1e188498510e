import { Elysia } from "elysia";
import type { ControlFacts } from "../api/control-api.ts";
import { controlRoutes } from "../control/control-routes.ts";
import type { Emulator } from "../emulator.ts";
import { pageRoutes } from "../pages/page-routes.ts";
import { platformRoutes } from "../platform/platform-routes.ts";
import { sdkRoutes } from "../sdk/sdk-routes.ts";
import { siteRoutes } from "../site/site-routes.ts";
import { wireRoutes } from "../wire/wire-routes.ts";
import { failures } from "./failures.ts";
import { corsHeaders, ensureLocal, type LocalRules } from "./local-requests.ts";

export interface AppOptions {
  readonly rules: LocalRules;
  /** The origin of the emulator's own pages. */
  readonly origin: string;
  facts(): ControlFacts;
  /** Reports an unexpected error. */
  onInternal(error: unknown): void;
}

/** All routes of the emulator. */
export function createEmulatorApp(emulator: Emulator, { rules, origin, facts, onInternal }: AppOptions) {
  const { platform, site, wire, steps, state } = emulator;
  const { rows, block, checkSession } = site;
  return new Elysia()
    .use(failures(onInternal))
    .onRequest(({ request, set }) => {
      ensureLocal(request, rules);
      const cors = corsHeaders(request, rules);
      Object.assign(set.headers, cors, { "cache-control": "no-store" });
      if (request.method === "OPTIONS" && Object.keys(cors).length > 0) {
        return new Response(null, { status: 204, headers: cors });
      }
      return undefined;
    })
    .use(platformRoutes(platform, origin))
    .use(siteRoutes({ rows, checkSession, platform }))
    .use(wireRoutes(wire))
    .use(controlRoutes({ steps, state, plannedFaults: wire.plannedFaults, block, facts }))
    .use(sdkRoutes())
    .use(pageRoutes());
}

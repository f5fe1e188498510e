import { Elysia } from "elysia";
import { controlRoutes } from "../control/control-routes.ts";
import type { Emulator } from "../emulator.ts";
import { pageRoutes } from "../pages/page-routes.ts";
import { platformRoutes } from "../platform/platform-routes.ts";
import { sdkRoutes } from "../sdk/sdk-routes.ts";
import { siteRoutes } from "../site/site-routes.ts";
import { wireRoutes } from "../wire/wire-routes.ts";
import { failures } from "./failures.ts";
import { corsHeaders, ensureLocal, type LocalRules } from "./local-requests.ts";

/** The emulator's one listener. `rules` are known once it listens. */
export function createEmulatorApp(
  emulator: Emulator,
  rules: () => LocalRules,
  onInternal: (error: unknown) => void,
) {
  return new Elysia()
    .use(failures(onInternal))
    .onRequest(({ request, set }) => {
      ensureLocal(request, rules());
      const cors = corsHeaders(request, rules());
      Object.assign(set.headers, cors, { "cache-control": "no-store" });
      if (request.method === "OPTIONS" && Object.keys(cors).length > 0) {
        return new Response(null, { status: 204, headers: cors });
      }
      return undefined;
    })
    .use(platformRoutes(emulator.platform, emulator.origin))
    .use(siteRoutes(emulator.site))
    .use(wireRoutes(emulator.wire.log, emulator.wire.resending))
    .use(controlRoutes(emulator.control))
    .use(sdkRoutes())
    .use(pageRoutes());
}

import { dirname, join } from "node:path";
import { Elysia } from "elysia";
import { servedFolder } from "../served-folder.ts";

/** Pages of another origin load the SDK, also those that otherwise load from their own origin alone. */
const forEveryPage = { "Cross-Origin-Resource-Policy": "cross-origin" };

/**
 * The stand-in for `https://cdn.ownid.com/sdk/<appId>`: the same script for every `appId`, and below it the modules that
 * the script loads.
 */
export function sdkRoutes() {
  const sdk = servedFolder(join(import.meta.dir, "browser"), forEveryPage);
  const passkeys = servedFolder(
    dirname(Bun.resolveSync("@simplewebauthn/browser", import.meta.dir)),
    forEveryPage,
  );
  return new Elysia({ name: "sdk" })
    .get("/sdk/:appId", () => sdk("loader.js"))
    .get("/sdk/:appId/simplewebauthn/*", ({ params }) => passkeys(params["*"]))
    .get("/sdk/:appId/*", ({ params }) => sdk(params["*"]));
}

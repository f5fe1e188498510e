import { join } from "node:path";
import { Elysia } from "elysia";
import { servedFolder } from "../served-folder.ts";

/** The browser enforces that the pages load nothing from elsewhere. */
const ownAssetsOnly = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** The paths of one document. Its script shows the view that the address names. */
const views = ["/", "/register", "/recover", "/account", "/wire-view"];

export function pageRoutes() {
  const page = servedFolder(join(import.meta.dir, "browser"), ownAssetsOnly);
  const routes = new Elysia({ name: "pages" }).get("/pages/*", ({ params }) => page(params["*"]));
  for (const path of views) routes.get(path, ({ request }) => toLocalhost(request) ?? page("index.html"));
  return routes;
}

/**
 * Redirects a page at an IP address to `localhost`, because browsers give it no passkeys. Returns `null` if it is at
 * `localhost` already.
 */
function toLocalhost(request: Request): Response | null {
  const url = new URL(request.url);
  if (url.hostname === "localhost") return null;
  url.hostname = "localhost";
  return Response.redirect(url.href);
}

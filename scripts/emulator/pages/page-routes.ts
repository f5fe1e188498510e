import { join } from "node:path";
import { Elysia } from "elysia";
import { servedFolder } from "../served-folder.ts";

/** The pages use nothing from elsewhere, and the browser sees to it. */
const ownAssetsOnly = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** One document with all views; a script shows the one that the address names. */
const views = ["/", "/register", "/recover", "/account", "/wire-view"];

export function pageRoutes() {
  const page = servedFolder(join(import.meta.dir, "browser"), ownAssetsOnly);
  const routes = new Elysia({ name: "pages" }).get("/pages/*", ({ params }) => page(params["*"]));
  for (const path of views) routes.get(path, ({ request }) => toLocalhost(request) ?? page("index.html"));
  return routes;
}

/** Browsers give no passkeys to a page at an IP address. `null`: the page is at `localhost` already. */
function toLocalhost(request: Request): Response | null {
  const url = new URL(request.url);
  if (url.hostname === "localhost") return null;
  url.hostname = "localhost";
  return Response.redirect(url.href);
}

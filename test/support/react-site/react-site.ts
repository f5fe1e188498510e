import { join } from "node:path";

/** A site on its own origin that uses OwnID's published React package. */
export interface ReactSite extends Disposable {
  readonly url: string;
}

/**
 * Bundles the site and serves it. Its backend is the emulator's demo backend, which it calls from the server.
 *
 * @param emulatorUrl the address from which its pages load the SDK
 */
export async function startReactSite(emulatorUrl: string): Promise<ReactSite> {
  const script = await bundle();
  const page = `<!doctype html><html lang="en"><title>Site</title><link rel="icon" href="data:,">
    <body data-sdk="${emulatorUrl}/sdk/demo"><div id="root"></div><script src="/app.js"></script></body></html>`;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    routes: {
      "/": new Response(page, { headers: { "Content-Type": "text/html; charset=utf-8" } }),
      "/app.js": new Response(script, { headers: { "Content-Type": "text/javascript; charset=utf-8" } }),
      "/register": (request) => passOn(request, `${emulatorUrl}/site/register`),
      "/login": (request) => passOn(request, `${emulatorUrl}/site/login`),
    },
  });
  return {
    url: `http://localhost:${server.port}`,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

async function bundle(): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, "app.jsx")],
    target: "browser",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const [output] = outputs;
  if (output === undefined) throw new Error("the site's script was not bundled");
  return output.text();
}

async function passOn(request: Request, url: string): Promise<Response> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: await request.text(),
  });
  return Response.json(await answer.json(), { status: answer.status });
}

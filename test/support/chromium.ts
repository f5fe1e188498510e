import { runAfterThisProcess } from "../../scripts/servers/after-this-process.ts";
import { requireProgram } from "../../scripts/servers/server-binaries.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { BrowserPage } from "./browser-page.ts";
import { DevTools } from "./devtools.ts";

/** A browser with its own profile. `await using` ends it and deletes the profile. */
export interface Chromium extends AsyncDisposable {
  /**
   * Opens a page that shares nothing with other pages. It has its own cookies, its own storage and its own
   * authenticator, which confirms every request of a page, so it stands for a separate device.
   */
  newDevice(): Promise<BrowserPage>;
}

const flags = [
  "--headless=new",
  "--remote-debugging-port=0",
  // Tests run as root in containers, where Chromium's own sandbox does not start.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-extensions",
  "--disable-sync",
  "--disable-component-update",
  "--disable-background-networking",
  "--no-proxy-server",
  // Requests to other machines fail, and the page's list of requests names them.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];

export async function launchChromium(): Promise<Chromium> {
  const profile = temporaryFolder();
  const program = requireProgram("chromium", "chromium");
  const child = Bun.spawn([program, ...flags, `--user-data-dir=${profile.path}`, "about:blank"], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: { ...process.env, HOME: profile.path },
  });
  // Unlike most child processes, it would outlive this process if this one is killed.
  runAfterThisProcess('grep -qF "$2" "/proc/$1/cmdline" && kill -KILL "$1"', String(child.pid), profile.path);
  const devTools = await DevTools.connect(await announcedUrl(child.stderr));
  return {
    newDevice: () => newDevice(devTools),
    async [Symbol.asyncDispose]() {
      devTools.close();
      child.kill("SIGKILL");
      await child.exited;
      profile[Symbol.dispose]();
    },
  };
}

/** Returns the announced URL and continues to read, so that the browser never blocks on its output. */
async function announcedUrl(stderr: ReadableStream<Uint8Array>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const read = async () => {
    let output = "";
    const decoder = new TextDecoder();
    for await (const chunk of stderr) {
      output += decoder.decode(chunk, { stream: true });
      const [, url] = /DevTools listening on (ws:\S+)/.exec(output) ?? [];
      if (url) resolve(url);
    }
    reject(new Error(`Chromium did not start:\n${output}`));
  };
  void read();
  return promise;
}

async function newDevice(devTools: DevTools): Promise<BrowserPage> {
  const { browserContextId } = await devTools.call<{ browserContextId: string }>(
    "Target.createBrowserContext",
    {},
  );
  const { targetId } = await devTools.call<{ targetId: string }>("Target.createTarget", {
    url: "about:blank",
    browserContextId,
  });
  const { sessionId } = await devTools.call<{ sessionId: string }>("Target.attachToTarget", {
    targetId,
    flatten: true,
  });
  return BrowserPage.open(devTools, sessionId);
}

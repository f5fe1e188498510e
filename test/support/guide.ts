import { afterAll, beforeAll } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { adminToken, backendToken, sol } from "./ops-client.ts";
import { type SidecarProcess, spawnSidecar } from "./sidecar-process.ts";
import { createUsers } from "./user-table.ts";

const pages = ["README.md", "LOGIN.md", "PROXIES.md", "SITE-SESSIONS.md"];
/** The pages that show code to the developers of a site. */
const guide = pages
  .map((page) => readFileSync(join(import.meta.dir, "../../src/sessions", page), "utf8"))
  .join("\n");

/**
 * Returns the snippet of the guide to sessions that has this text after its three backticks, with the test's addresses
 * in place of the guide's.
 */
export function guideSnippet(title: string, replacements: Readonly<Record<string, string>> = {}): string {
  const opening = `\`\`\`${title}\n`;
  const [, behind, ...others] = guide.split(`\n${opening}`);
  if (behind === undefined || others.length > 0)
    throw new Error(`not one snippet of the guide is "${title}"`);
  const text = behind.slice(0, behind.indexOf("\n```") + 1);
  return Object.entries(replacements).reduce((snippet, [from, to]) => snippet.replaceAll(from, to), text);
}

/** Returns the titles of the snippets in languages that the tests can run. */
export function runnableSnippets(): string[] {
  return [...guide.matchAll(/^```((?:js|python|nginx|caddy)\b.*)$/gm)].map(([, title = ""]) => title);
}

/**
 * Sets up a site that follows the guide, for all tests of a file: a folder for its code, its table, and a running
 * sidecar.
 */
export function shareGuideSite() {
  const folder = temporaryFolder();
  const table = createUsers(folder.at("users.db"), [{ email: sol }]);
  table.run("ALTER TABLE users ADD COLUMN password_hash TEXT");
  let sidecar: SidecarProcess;
  let urls: { readonly baseUrl: string; readonly opsUrl: string };

  beforeAll(async () => {
    sidecar = spawnSidecar({
      DATABASE_URL: `sqlite:${folder.at("users.db")}`,
      ADMIN_TOKEN: adminToken,
      BACKEND_TOKEN: backendToken,
    });
    urls = await sidecar.ready();
    // The snippets find their imports here, as after `npm install`.
    symlinkSync(join(import.meta.dir, "../../node_modules"), folder.at("node_modules"));
  });
  afterAll(async () => {
    await sidecar[Symbol.asyncDispose]();
    table.close();
    folder[Symbol.dispose]();
  });

  return {
    folder,
    table,
    keysFile: () => sidecar.folder.at("data/session-keys.json"),
    opsUrl: () => urls.opsUrl,
    client: () => sidecar.clientAt(urls.baseUrl),

    async newToken(): Promise<string> {
      return JSON.parse((await sidecar.clientAt(urls.baseUrl).session(sol, "browser")).body).token;
    },

    /** Writes a snippet into a file, with the addresses of the sidecar and of a server on this port. */
    writeSnippet(title: string, name: string, port = 0): string {
      const text = guideSnippet(title, {
        "http://127.0.0.1:3300": new URL(urls.baseUrl).origin,
        "http://127.0.0.1:3301": urls.opsUrl,
        "8080": String(port),
      });
      mkdirSync(dirname(folder.at(name)), { recursive: true });
      writeFileSync(folder.at(name), text);
      return folder.at(name);
    },
  };
}

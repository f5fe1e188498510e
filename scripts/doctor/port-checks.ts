import { createServer } from "node:net";
import type { Config } from "../../src/config/load-config.ts";
import { codeOf } from "../../src/error-code.ts";
import { fixWhen, setting } from "../../src/fix.ts";
import { fetchDirect } from "../client/fetch-direct.ts";
import { listenerUrl } from "../listener-url.ts";
import { type Check, fine, type Verdict, warning, wrong } from "./check.ts";

interface Listener {
  readonly host: string;
  readonly port: number;
}

const answerMs = 2000;

const publicPort: Check<Config> = {
  id: "ports.public",
  title: "public listener",
  examine: ({ publicListener }) => judge(publicListener, "PORT", "/.well-known/jwks.json", "keys"),
};

const opsPort: Check<Config> = {
  id: "ports.ops",
  title: "ops listener",
  examine: ({ opsListener }) => judge(opsListener, "OPS_PORT", "/livez", "dependencies"),
};

const apart: Check<Config> = {
  id: "ports.apart",
  title: "two addresses",
  examine({ publicListener, opsListener }) {
    const isSame = publicListener.port === opsListener.port && publicListener.port !== 0;
    if (!isSame || publicListener.host !== opsListener.host) return fine("the listeners do not collide");
    return wrong("both listeners have the same address", `OPS_PORT=${opsListener.port + 1}`);
  },
};

/** What the ops listener reveals is for operators, and the tokens that it accepts are not protected by TLS. */
const opsPrivate: Check<Config> = {
  id: "ports.ops-private",
  title: "ops is private",
  examine({ opsListener: { host } }) {
    if (host !== "0.0.0.0" && host !== "::") return fine(`it listens on ${host} alone`);
    return warning(
      `OPS_HOST=${host} offers metrics, the state of the dependencies and the admin routes on every address of this machine`,
      [
        fixWhen("If only this machine asks it", setting("OPS_HOST", "127.0.0.1")),
        fixWhen(
          "Otherwise name one private address; in a container, publish OPS_PORT to a private network only",
        ),
      ],
    );
  },
};

export const portChecks: readonly Check<Config>[] = [publicPort, opsPort, apart, opsPrivate];

/**
 * A port is fine if it is free or if a sidecar holds it. A sidecar is recognized by its answer to this path, which is JSON
 * with this member.
 */
async function judge(listener: Listener, variable: string, path: string, member: string): Promise<Verdict> {
  const address = `${listener.host}:${listener.port}`;
  const failure = await tryToListen(listener);
  if (failure === null) return fine(`${address} is free`);
  if (failure === "EADDRINUSE") {
    if (await isSidecar(listener, path, member)) return fine(`a sidecar is running on ${address}`);
    const who = `ss -ltnp 'sport = :${listener.port}'   # then end that program, or choose another ${variable}`;
    return wrong(`another program holds ${address}`, who);
  }
  if (failure === "EACCES") {
    const allow = `sysctl -w net.ipv4.ip_unprivileged_port_start=${listener.port}`;
    return wrong(`this account may not listen on ${address}`, `${allow}   # or choose another ${variable}`);
  }
  const host = variable.replace("PORT", "HOST");
  if (failure === "EADDRNOTAVAIL")
    return wrong(`this machine has no address ${listener.host}`, `${host}=127.0.0.1`);
  return warning(`${address} cannot be tried (${failure})`, `${host}=127.0.0.1`);
}

/** Returns `null` if the process can listen there, and the system's code otherwise. */
function tryToListen({ host, port }: Listener): Promise<string | null> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once("error", (error) => resolve(codeOf(error) || "no reason given"));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)));
  });
}

async function isSidecar({ host, port }: Listener, path: string, member: string): Promise<boolean> {
  const url = listenerUrl({ host, port, basePath: "" }) + path;
  try {
    const response = await fetchDirect(url, { signal: AbortSignal.timeout(answerMs) });
    const body: unknown = await response.json();
    return response.ok && typeof body === "object" && body !== null && member in body;
  } catch {
    return false;
  }
}

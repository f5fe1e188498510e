import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { UsageWrong } from "../command.ts";

/** Where the load goes, and nowhere else: the address is looked up once. */
export interface Target {
  /** `http://127.0.0.1:3300/ownid` */
  readonly url: string;
  /** What the Host header says. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** Without a slash at its end. */
  readonly basePath: string;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * The target, if it is this machine or `ownedHost` names its host exactly. `localhost` counts as this machine only
 * where it leads there.
 *
 * @throws {UsageWrong} it is no such URL, it is elsewhere, or its name leads nowhere
 */
export async function resolveTarget(text: string, ownedHost: string | undefined): Promise<Target> {
  const url = URL.parse(text);
  if (url === null || url.protocol !== "http:") {
    throw new UsageWrong(
      "--url takes the http:// address of the sidecar's public listener, such as http://127.0.0.1:3300/ownid. " +
        "TLS ends in front of it.",
    );
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new UsageWrong("--url takes an address without user, query and fragment.");
  }
  const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const isLocal = name === "localhost" || isLoopback(name);
  if (!isLocal && ownedHost !== name) throw new UsageWrong(refusalOf(name, ownedHost));
  const address = isIP(name) === 0 ? await addressOf(name) : name;
  if (isLocal && !isLoopback(address)) {
    throw new UsageWrong("--url: localhost does not lead to this machine here. Use 127.0.0.1.");
  }
  const basePath = url.pathname.replace(/\/$/, "");
  return {
    url: `${url.origin}${basePath}`,
    host: url.host,
    address,
    port: Number(url.port || 80),
    basePath,
  };
}

function isLoopback(name: string): boolean {
  const family = isIP(name);
  return family !== 0 && loopback.check(name, family === 4 ? "ipv4" : "ipv6");
}

function refusalOf(name: string, ownedHost: string | undefined): string {
  const begun =
    ownedHost === undefined
      ? `${name} is not this machine, and a load test can take a server down.`
      : `--i-own-this-host names ${ownedHost}, but the load would go to ${name}.`;
  return `${begun} If the host is yours and you may load it, add: --i-own-this-host ${name}`;
}

async function addressOf(name: string): Promise<string> {
  try {
    return (await lookup(name)).address;
  } catch {
    throw new UsageWrong(`--url: no address is known for ${name}.`);
  }
}

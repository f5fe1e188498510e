import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { UsageWrong } from "../command.ts";
import { type BaseUrlRules, baseUrlText, parseBaseUrl } from "./base-url.ts";

/** The only place to which requests are sent. Its name is resolved once. */
export interface Target {
  /** Such as `http://127.0.0.1:3300/ownid`. */
  readonly url: string;
  /** The value of the Host header. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** The path of the URL, without a slash at its end. */
  readonly basePath: string;
}

export interface TargetRules extends BaseUrlRules {
  /** The host that `--i-own-this-host` names. */
  readonly ownedHost: string | undefined;
  /** Why another machine is refused, such as `a load test can take a server down`. */
  readonly danger: string;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * Returns the target if it is this machine, or if `ownedHost` names its host exactly. A name counts as this machine
 * only if every address that it resolves to is a loopback one. No connection is made.
 *
 * @throws {UsageWrong} it is no such URL, it is elsewhere, or no address is known for its name
 */
export async function resolveTarget(text: string, rules: TargetRules): Promise<Target> {
  const { argument, ownedHost } = rules;
  const url = parseBaseUrl(text, rules);
  const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const [address, ...others] = isIP(name) === 0 ? await addressesOf(name) : [name];
  const isHere = address !== undefined && [address, ...others].every(isLoopback);
  if (!isHere && ownedHost !== name) throw new UsageWrong(refusalOf(name, rules));
  if (address === undefined) throw new UsageWrong(`${argument}: no address is known for ${name}.`);
  const baseUrl = baseUrlText(url);
  return {
    url: baseUrl,
    host: url.host,
    address,
    port: Number(url.port || (url.protocol === "https:" ? 443 : 80)),
    basePath: baseUrl.slice(url.origin.length),
  };
}

function isLoopback(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 4 ? "ipv4" : "ipv6");
}

function refusalOf(name: string, { ownedHost, danger }: TargetRules): string {
  const begun =
    ownedHost === undefined
      ? `${name} is not this machine, and ${danger}.`
      : `--i-own-this-host names ${ownedHost}, but the requests would go to ${name}.`;
  return `${begun} If the host is yours and you may do that to it, add: --i-own-this-host ${name}`;
}

/** Returns the addresses of a name, IPv4 first, where sidecars listen by default; none if the name is not known. */
async function addressesOf(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true, order: "ipv4first" })).map(({ address }) => address);
  } catch {
    return [];
  }
}

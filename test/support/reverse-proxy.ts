import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunningServer } from "../../scripts/servers/running-servers.ts";
import { programPath, requirePrograms } from "../../scripts/servers/server-binaries.ts";
import { serverFolder } from "../../scripts/servers/server-folder.ts";
import { launchServer } from "../../scripts/servers/server-process.ts";

/** Returns the proxy's configuration for the port that it has to listen on. */
export type ProxyConfiguration = (port: number) => string;

/**
 * Starts nginx with these `server` blocks.
 *
 * @throws {ServerUnavailable} nginx is not on this machine
 */
export function startNginx(configuration: ProxyConfiguration): Promise<RunningServer> {
  const configurationFile = (port: number, dir: string) => `
    daemon off;
    master_process off;
    pid ${dir}/nginx.pid;
    error_log ${dir}/error.log;
    events {}
    http {
      access_log off;
      client_body_temp_path ${dir}/body;
      proxy_temp_path ${dir}/proxy;
      fastcgi_temp_path ${dir}/fastcgi;
      uwsgi_temp_path ${dir}/uwsgi;
      scgi_temp_path ${dir}/scgi;
      ${configuration(port)}
    }`;
  return startProxy("nginx", configurationFile, (path) => ["-c", path, "-e", "stderr"]);
}

/**
 * Starts Caddy with this Caddyfile.
 *
 * @throws {ServerUnavailable} Caddy is not on this machine
 */
export function startCaddy(configuration: ProxyConfiguration): Promise<RunningServer> {
  const configurationFile = (port: number) => `{\n  admin off\n  auto_https off\n}\n${configuration(port)}`;
  return startProxy("caddy", configurationFile, (path) => [
    "run",
    "--adapter",
    "caddyfile",
    "--config",
    path,
  ]);
}

function startProxy(
  kind: "nginx" | "caddy",
  configuration: (port: number, dir: string) => string,
  argumentsFor: (path: string) => readonly string[],
): Promise<RunningServer> {
  requirePrograms(kind);
  const dir = serverFolder(kind, null);
  const path = join(dir, `${kind}.conf`);
  return launchServer({
    name: kind,
    dir,
    account: null,
    stopSignal: "SIGTERM",
    argv: (port) => {
      writeFileSync(path, configuration(port, dir));
      return ["env", `HOME=${dir}`, programPath(kind), ...argumentsFor(path)];
    },
    greet: async (port) => {
      await fetch(`http://127.0.0.1:${port}/`);
    },
  });
}

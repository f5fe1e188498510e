import { chmodSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";

/** An account without a name, as in containers. */
export const service = { uid: 61_001, gid: 61_001 };
export const otherAccount = { uid: 61_002, gid: 61_002 };

const source = join(import.meta.dir, "../..");

/** Whether this process may run programs as another account, which requires root and `setpriv`. */
export const mayChangeAccount = process.getuid?.() === 0 && Bun.which("setpriv") !== null;

export interface Programs extends Disposable {
  /** Runs a shell command line as the service, in this folder and with this environment only. */
  run(command: string, folder: string, environment: Environment): Ran;
  /** Starts the sidecar as the service, and returns its output until it was ready or had ended. */
  start(folder: string, environment: Environment): Promise<string>;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Ran {
  readonly status: number;
  readonly output: string;
}

/**
 * Builds the sidecar as `start.js` and the doctor as `doctor.js`, and copies Bun as `bun`, because the service may not
 * enter this checkout or the folder of this Bun.
 */
export async function buildForService(): Promise<Programs> {
  const folder = temporaryFolder();
  chmodSync(folder.path, 0o755);
  copyFileSync(process.execPath, folder.at("bun"));
  chmodSync(folder.at("bun"), 0o755);
  for (const [name, entry] of [
    ["start", "src/index.ts"],
    ["doctor", "scripts/doctor/index.ts"],
  ] as const) {
    const { success } = await Bun.build({
      entrypoints: [join(source, entry)],
      target: "bun",
      outdir: folder.path,
      naming: `${name}.js`,
    });
    if (!success) throw new Error(`${entry} cannot be built`);
  }
  const { uid, gid } = service;
  const as = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "sh", "-ec"];
  const within = (cwd: string, environment: Environment) => ({
    cwd,
    env: { ...environment, PATH: `${folder.path}:${process.env.PATH}`, PROGRAMS: folder.path },
  });
  return {
    run(command, cwd, environment) {
      const { exitCode, stdout, stderr } = Bun.spawnSync([...as, command], within(cwd, environment));
      return { status: exitCode, output: `${stdout}${stderr}` };
    },
    async start(cwd, environment) {
      const child = Bun.spawn([...as, 'exec bun "$PROGRAMS/start.js" 2>&1'], within(cwd, environment));
      let output = "";
      for await (const chunk of child.stdout) {
        output += new TextDecoder().decode(chunk);
        if (output.includes("ops listener ready")) child.kill("SIGKILL");
      }
      await child.exited;
      return output;
    },
    [Symbol.dispose]: folder[Symbol.dispose],
  };
}

import { cpus, totalmem } from "node:os";
import packageJson from "../../package.json";

/** Where and with what a load test was run. It contains nothing secret and names no user. */
export interface Environment {
  readonly sidecar: string;
  /** The commit of the clone in which the command was run, or `null` outside a clone. */
  readonly commit: string | null;
  readonly bun: string;
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly command: string;
}

/** Options whose value may name a user. */
const personal = ["--login-id", "--users"];

export function describeEnvironment(args: readonly string[]): Environment {
  const [processor] = cpus();
  return {
    sidecar: packageJson.version,
    commit: commitOf(import.meta.dir),
    bun: Bun.version,
    system: `${process.platform} ${process.arch}`,
    processor: processor?.model.trim() || "unknown",
    cores: cpus().length,
    memoryGib: Math.round((totalmem() / 1024 ** 3) * 10) / 10,
    command: ["bun run loadtest", ...withoutPeople(args)].join(" "),
  };
}

function withoutPeople(args: readonly string[]): string[] {
  return args.map((arg, index) => {
    const option = personal.find((name) => arg.startsWith(`${name}=`));
    if (option !== undefined) return `${option}=…`;
    return personal.includes(args[index - 1] ?? "") ? "…" : arg;
  });
}

function commitOf(folder: string): string | null {
  if (Bun.which("git") === null) return null;
  const git = (...args: string[]) => Bun.spawnSync(["git", ...args], { cwd: folder, stderr: "ignore" });
  const commit = git("rev-parse", "--short=12", "HEAD");
  if (!commit.success) return null;
  const isChanged = git("status", "--porcelain", "--untracked-files=no").stdout.length > 0;
  return `${commit.stdout.toString().trim()}${isChanged ? ", changed" : ""}`;
}

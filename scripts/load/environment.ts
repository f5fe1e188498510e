import { cpus, totalmem } from "node:os";
import packageJson from "../../package.json";
import { sourceCommit } from "../source-commit.ts";

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
  const commit = sourceCommit();
  return {
    sidecar: packageJson.version,
    commit: commit === null ? null : `${commit.id}${commit.isChanged ? ", changed" : ""}`,
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

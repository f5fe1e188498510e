/** Whether Redis itself has answered with an error: it is there, and has done nothing. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

/** Whether the key's slot has moved, or is moving, to another master of the Cluster. */
export function isRedirection(error: unknown): boolean {
  return error instanceof Error && /^(?:MOVED|ASK) /.test(error.message);
}

/** What failed, for the operator: no script's digest, and nothing that Redis holds of a user. */
export function reasonOf({ message }: Error): string {
  if (message.startsWith("Command queue state error"))
    return "Redis sent an answer that nothing had asked for";
  return message.replace(/ script: .*$/s, "");
}

export interface JsonOutput {
  readonly result: unknown;
  /** The same for people. */
  readonly text: string;
  readonly json: boolean;
  /** What else stood on the command line. */
  readonly file: string | undefined;
}

/** `--json` prints JSON instead of the text, `--json FILE` writes it to the file beside the text. */
export async function writeResult({ result, text, json, file }: JsonOutput): Promise<void> {
  const asJson = `${JSON.stringify(result, null, 2)}\n`;
  if (json && file !== undefined) await Bun.write(file, asJson);
  process.stdout.write(json && file === undefined ? asJson : text);
}

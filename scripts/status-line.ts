/** Says on standard error what is being done: one line that is written over again and again, on a terminal only. */
export function showStatus(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

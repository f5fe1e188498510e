export function htmlReport(result: unknown): string {
  return JSON.stringify(result);
}

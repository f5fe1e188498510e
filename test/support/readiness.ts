import type { ReadinessReport } from "../../src/process/dependency-watch.ts";

/** Asks the ops listener for `/readyz`, and returns its report with the status of the answer. */
export async function readinessOf(opsUrl: string) {
  const response = await fetch(`${opsUrl}/readyz`);
  const report = (await response.json()) as ReadinessReport;
  return { ...report, httpStatus: response.status };
}

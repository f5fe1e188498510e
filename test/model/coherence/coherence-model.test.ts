import { declareModelTests } from "../declare-model-tests.ts";
import { coherence } from "./coherence-model.ts";

await declareModelTests({
  subject: "the coherence protocol",
  promise: "has no stale hit and no false 204",
  protocol: coherence,
  readme: new URL("README.md", import.meta.url),
});

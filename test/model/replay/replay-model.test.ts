import { expect, test } from "bun:test";
import { declareModelTests } from "../declare-model-tests.ts";
import { replayGuard } from "./replay-model.ts";

await declareModelTests({
  subject: "the replay guard",
  promise: "lets a request take effect once and never twice",
  protocol: replayGuard,
  readme: new URL("README.md", import.meta.url),
});

test("the page about the replay guard says every rule of its model, and no other", async () => {
  const page = await Bun.file(new URL("../../../src/replay/DESIGN.md", import.meta.url)).text();
  const numbered = page.match(/^\d+\. [A-Z].*(?:\n {3,4}\S.*)*/gm) ?? [];
  const rules = Object.values(replayGuard.omissions).map(
    ({ rule }) => rule.charAt(0).toUpperCase() + rule.slice(1),
  );
  const unsaid = rules.filter(
    (rule) => !numbered.some((item) => item.replaceAll(/\s+/g, " ").includes(`. ${rule}`)),
  );
  expect(unsaid).toEqual([]);
  expect(page.slice(page.indexOf("## The rules")).match(/^\d+\. /gm)).toHaveLength(rules.length);
});

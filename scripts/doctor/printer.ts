import { stripVTControlCharacters } from "node:util";
import { wrapText } from "../wrap-text.ts";
import type { Item, Status } from "./check.ts";
import type { Group } from "./examine.ts";

export interface Page {
  readonly columns: number;
  readonly hasColours: boolean;
}

const colours: Record<Status | "mend" | "title", string> = {
  fine: "32",
  warning: "33",
  wrong: "31;1",
  mend: "36",
  title: "1",
};
const statusWidth = 9;
const margin = 2;
const detailColumnsMin = 40;

/** The items as a terminal shows them: details wrapped in their column, mends whole, so that they can be copied. */
export function printGroups(groups: readonly Group[], page: Page): string {
  const titles = groups.flatMap(({ items }) => items.map(({ title }) => title.length));
  const titleWidth = Math.max(0, ...titles) + 2;
  const print = createPrinter(page, titleWidth);
  const sections = groups.map(({ title, items }) =>
    [print.heading(title), ...items.map(print.item)].join("\n"),
  );
  return `${sections.join("\n\n")}\n\n${print.summary(groups.flatMap(({ items }) => items))}\n`;
}

function createPrinter({ columns, hasColours }: Page, titleWidth: number) {
  const paint = (what: keyof typeof colours, text: string) =>
    hasColours ? `\x1b[${colours[what]}m${text}\x1b[0m` : text;
  const indent = " ".repeat(margin + statusWidth + titleWidth);

  function item({ status, title, detail, mend }: Item): string {
    const lines = wrapText(detail, Math.max(detailColumnsMin, columns - indent.length));
    const head = `${" ".repeat(margin)}${pad(paint(status, status), statusWidth)}${title.padEnd(titleWidth)}`;
    const told = head + lines.join(`\n${indent}`);
    if (mend === null) return told;
    return [told, ...mend.split("\n").map((line) => `${indent}${paint("mend", line)}`)].join("\n");
  }

  return {
    heading: (title: string) => paint("title", title),
    item,
    summary(items: readonly Item[]): string {
      const counts = countOf(items);
      const told = (["wrong", "warning", "fine"] as const).filter((status) => counts[status] > 0);
      const plural = (status: Status) => (status === "warning" && counts[status] > 1 ? "warnings" : status);
      return told.map((status) => paint(status, `${counts[status]} ${plural(status)}`)).join(", ");
    },
  };
}

export function countOf(items: readonly Item[]): Record<Status, number> {
  const count = (status: Status) => items.filter((item) => item.status === status).length;
  return { fine: count("fine"), warning: count("warning"), wrong: count("wrong") };
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - stripVTControlCharacters(text).length));
}

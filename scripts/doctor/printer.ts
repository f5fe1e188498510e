import { withRunner } from "../../src/process/greeting.ts";
import { wrapBeside } from "../columns.ts";
import { type Page, painterFor } from "../terminal.ts";
import type { Item, Status } from "./check.ts";
import type { Group } from "./examine.ts";

export interface DoctorPage extends Page {
  /** Whether items that are fine are left out. */
  readonly isQuiet: boolean;
}

type Painted = Status | "fix" | "title";

const colors: Record<Painted, string> = { fine: "32", warning: "33", wrong: "31;1", fix: "36", title: "1" };
const margin = "  ";
const statusWidth = 9;
/** Fixes always begin in this column, so that they can be copied and hardly ever wrap. */
const fixMargin = "    ";

/** Formats the items for a terminal: details are wrapped beside their titles, and fixes are on lines of their own. */
export function printGroups(groups: readonly Group[], page: DoctorPage): string {
  const items = groups.flatMap((group) => group.items);
  const shown = page.isQuiet ? groups.map(withoutFine).filter((group) => group.items.length > 0) : groups;
  const titleWidth = Math.max(0, ...shown.flatMap((group) => group.items.map(({ title }) => title.length)));
  const print = createPrinter(page, titleWidth);
  const sections = shown.map((group) =>
    [print.heading(group.title), ...group.items.map(print.item)].join("\n"),
  );
  return `${[...sections, print.summary(items)].join("\n\n")}\n`;
}

function withoutFine({ title, items }: Group): Group {
  return { title, items: items.filter(({ status }) => status !== "fine") };
}

function createPrinter(page: Page, titleWidth: number) {
  const { columns } = page;
  const inColor = painterFor(page);
  const paint = (what: Painted, text: string) => inColor(colors[what], text);
  const indent = margin.length + statusWidth + titleWidth + 2;

  return {
    heading: (title: string) => paint("title", title),

    item({ status, title, detail, fix }: Item): string {
      const head = `${margin}${paint(status, status)}${" ".repeat(statusWidth - status.length)}${title.padEnd(titleWidth + 2)}`;
      const text = `${head}${wrapBeside(indent, withRunner(detail), columns)}`;
      if (fix === null) return text;
      const lines = withRunner(fix).split("\n");
      return [text, ...lines.map((line) => `${fixMargin}${paint("fix", line)}`)].join("\n");
    },

    summary(items: readonly Item[]): string {
      const counts = countOf(items);
      const found = (["wrong", "warning", "fine"] as const).filter((status) => counts[status] > 0);
      const plural = (status: Status) => (status === "warning" && counts[status] > 1 ? "warnings" : status);
      return found.map((status) => paint(status, `${counts[status]} ${plural(status)}`)).join(", ");
    },
  };
}

export function countOf(items: readonly Item[]): Record<Status, number> {
  const count = (status: Status) => items.filter((item) => item.status === status).length;
  return { fine: count("fine"), warning: count("warning"), wrong: count("wrong") };
}

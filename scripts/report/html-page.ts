import { pageStyle } from "./page-style.ts";

const text = Bun.escapeHTML;

export interface HtmlPage {
  readonly title: string;
  /** CSS, after that of every page. */
  readonly style: string;
  /** HTML, like the footer. */
  readonly content: string;
  readonly footer: string;
}

/**
 * Returns an HTML file that opens without a network. It contains no script, and its Content-Security-Policy forbids
 * fetching anything. It is well-formed XML if the content is.
 */
export function htmlPage({ title, style, content, footer }: HtmlPage): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<title>${text(title)}</title>
<style>${pageStyle}${style}</style>
</head>
<body>
<main>
${content}
<footer>${footer}</footer>
</main>
</body>
</html>
`;
}

export interface PageHeader {
  readonly title: string;
  /** The verdict in a few words; `null` if there is none. */
  readonly verdict: { readonly holds: boolean; readonly text: string } | null;
  /** What was examined. The time of the run follows it. */
  readonly about: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly details?: readonly string[];
}

export function pageHeader({ title, verdict, about, startedAt, details = [] }: PageHeader): string {
  const at = `<time datetime="${startedAt}">${startedAt.replace("T", " ").replace(/\.\d+Z$/, " UTC")}</time>`;
  const lines = [`${text(about)} · ${at}`, ...details.map(text)];
  const badge = verdict === null ? "" : verdictBadge(verdict.holds, verdict.text);
  return `<header><h1>${title}</h1>${badge}
${lines.map((line) => `<p class="about">${line}</p>`).join("\n")}</header>`;
}

export function verdictBadge(holds: boolean, words: string): string {
  return `<span class="verdict ${holds ? "good" : "bad"}">${text(words)}</span>`;
}

/** Returns tiles with a figure each, and what it is a figure of. */
export function tiles(all: readonly (readonly [name: string, figure: string, more: string])[]): string {
  const shown = all.map(
    ([name, figure, more]) =>
      `<div><dt>${name}</dt><dd>${text(figure)}<small>${text(more)}</small></dd></div>`,
  );
  return `<dl class="tiles">${shown.join("")}</dl>`;
}

/** Returns a section whose content is HTML. */
export function section(title: string, lead: string, content: string): string {
  const paragraph = lead === "" ? "" : `<p class="lead">${text(lead)}</p>`;
  return `<section><h2>${title}</h2>${paragraph}${content}</section>`;
}

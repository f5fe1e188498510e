/** Returns the elements of an XML document that are not closed, or closed without having been opened. */
export function faultsOfMarkup(html: string): string[] {
  const open: string[] = [];
  const faults: string[] = [];
  for (const [, end, name = "", self] of html.matchAll(
    /<(\/?)([a-zA-Z][\w-]*)(?:\s+[\w:-]+="[^"<]*")*\s*(\/?)>/g,
  )) {
    if (end === "/" && open.pop() !== name) faults.push(`</${name}>`);
    if (end !== "/" && self !== "/") open.push(name);
  }
  const markup = html
    .replace(/^<(?:!DOCTYPE html|\?xml [^>]*\?)>/, "")
    .replace(/<\/?[a-zA-Z][\w-]*(?:\s+[\w:-]+="[^"<]*")*\s*\/?>/g, "");
  return [...faults, ...open, ...(markup.match(/</g) ?? [])];
}

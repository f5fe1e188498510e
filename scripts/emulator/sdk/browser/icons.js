const namespace = "http://www.w3.org/2000/svg";

/** @returns {SVGSVGElement} */
export function fingerprint() {
  return drawing(
    "M7 4.7A8.6 8.6 0 0 1 12 3c3 0 5.6 1.5 7.1 3.8",
    "M4.2 9.2C3.8 10.3 3.6 11.4 3.6 12.6v2",
    "M20.3 10.5c.2.8.2 1.7.2 2.6 0 1.6-.1 3.2-.5 4.7",
    "M6.9 18.6c.4-1.6.6-3.2.6-4.9v-1.2a4.5 4.5 0 0 1 9 0c0 2.9-.2 5.5-1 8",
    "M12 12.4c0 3-.2 5.7-1.4 8.4",
  );
}

/** @returns {SVGSVGElement} */
export function checkMark() {
  return drawing("M5 12.5l4.5 4.5L19 7.5");
}

/** @param {...string} lines */
function drawing(...lines) {
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const line of lines) {
    const path = document.createElementNS(namespace, "path");
    path.setAttribute("d", line);
    svg.append(path);
  }
  return svg;
}

/** Wraps content that is wider than a small screen, so that it scrolls by itself, also by keyboard. A hint says so. */
export function scrolling(content: string): string {
  return `<p class="sideways">Scroll sideways to see all of it.</p><div class="scroll" tabindex="0">${content}</div>`;
}

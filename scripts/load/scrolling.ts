/** What is wider than a small screen moves on its own, also by keyboard, and says so there. */
export function scrolling(content: string): string {
  return `<p class="sideways">Scroll sideways to see all of it.</p><div class="scroll" tabindex="0">${content}</div>`;
}

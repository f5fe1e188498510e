/** Texts that a site must store and return to the byte, although parsing, trimming or normalizing would change them. */
export const verbatimTexts: readonly string[] = [
  "x",
  '{"devices":[]}',
  " padded ",
  "\u2028\u2029",
  "😀 zo\u00eb zoe\u0308",
  "\ufeff",
  '\n\t\\"/',
];

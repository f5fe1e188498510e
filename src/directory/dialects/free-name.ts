/** Returns the wanted name, with a number if the name is taken in any case. */
export function freeName(wanted: string, taken: readonly { readonly name: string }[]): string {
  const isTaken = (name: string) => taken.some((each) => each.name.toLowerCase() === name.toLowerCase());
  let name = wanted;
  for (let number = 2; isTaken(name); number += 1) name = `${wanted}_${number}`;
  return name;
}

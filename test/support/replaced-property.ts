/**
 * Puts another value in the place of a property, of a global object too, until the answered function is called. Bun's
 * own `spyOn` leaves an inherited one, such as `crypto.randomUUID`, behind as one that nobody can replace any more.
 */
export function replaceProperty(owner: object, name: string, value: unknown): () => void {
  const original = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  return () => {
    if (original === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, original);
  };
}

/**
 * Replaces the value of a property, even of a global object, until the returned function is called. After Bun's own
 * `spyOn`, an inherited property such as `crypto.randomUUID` cannot be replaced any more.
 */
export function replaceProperty(owner: object, name: string, value: unknown): () => void {
  const original = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  return () => {
    if (original === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, original);
  };
}

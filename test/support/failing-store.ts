import type { OwnIdDataStore } from "../../src/coherence/ownid-data-store.ts";

/** A store whose every method but the given ones does this instead: fails, as a rule. */
export function storeThat(
  fails: () => never | Promise<never>,
  methods: Partial<OwnIdDataStore> = {},
): OwnIdDataStore {
  const fail = async () => fails();
  return {
    get: fail,
    set: fail,
    findForSession: fail,
    inspect: fail,
    erase: fail,
    invalidate: fail,
    invalidateAll: fail,
    ...methods,
  };
}

import type { OwnIdDataStore } from "../../src/coherence/ownid-data-store.ts";

/** Returns a store whose methods all call `fails`, except for those that are given. */
export function storeWhichFails(
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

declare module "cluster-key-slot" {
  /** Returns the slot of a Redis Cluster that a key belongs to, from 0 to 16,383. */
  export default function slotOf(key: string | Buffer): number;
}

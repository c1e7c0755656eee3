/** What networks and links do whose settings do not say. The project's tests check and vary more than users want by default. */
export const defaults = {
  /** Links take packets that stand for many segments. */
  offload: false,
  /** What stacks promise is checked after every event. */
  invariants: false,
};

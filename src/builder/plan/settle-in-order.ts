/**
 * Waits for all; then, where some failed, throws the first in the order given: which of several mistakes a user is told does not
 * depend on which network answered first.
 */
export async function settleInOrder<T>(tasks: readonly Promise<T>[]): Promise<readonly T[]> {
  const outcomes = await Promise.allSettled(tasks);
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

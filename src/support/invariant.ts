/** Throws a plain `Error` when `condition` is false: a mistake in this program, not in its input. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal error: ${message}`);
}

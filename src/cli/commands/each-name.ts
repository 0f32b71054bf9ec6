/**
 * Does the same for several names, in order; a failure does not keep the rest from being done.
 * @throws the one error, or an `AggregateError` of several, after the last name
 */
export async function forEachName(names: readonly string[], action: (name: string) => Promise<void>): Promise<void> {
  const errors: unknown[] = [];
  for (const name of names) {
    try {
      await action(name);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors);
}

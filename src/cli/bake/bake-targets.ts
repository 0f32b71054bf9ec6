export async function bakeTargets(..._: unknown[]): Promise<void> {
  await Promise.resolve();
}

/** Whether a build context could be something else than a folder of this host. What it is, the toolchain finds out. */
export function isAddress(context: string): boolean {
  if (!context.includes(':')) return context.toLowerCase().startsWith('github.com/');
  return /^[a-z0-9]+:\/\/|^[\w-]+@[\w.-]+:|^github\.com\//i.test(context);
}

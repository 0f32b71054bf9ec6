/** Whether a build context could be something else than a folder of this host. What it is, the toolchain finds out. */
export function isAddress(context: string): boolean {
  if (context.toLowerCase().startsWith('github.com/')) return true;
  return context.includes(':') && /^[a-z0-9]+:\/\/|^[\w-]+@[\w.-]+:/i.test(context);
}

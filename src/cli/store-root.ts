import { join, resolve } from 'node:path';
import type { Host } from './host.js';

/**
 * Absolute path of the store: the --store option, else TSBUILD_STORE, else /var/lib/tsbuild for root and
 * $XDG_DATA_HOME/tsbuild for others. An empty value is none, and so is a relative XDG_DATA_HOME (XDG Base Directory
 * Specification: "consider the path invalid and ignore it").
 */
export function storeRoot(option: string | undefined, { env, cwd, home, uid }: Host): string {
  const named = option ?? env['TSBUILD_STORE'];
  if (named !== undefined && named !== '') return resolve(cwd, named);
  if (uid === 0) return '/var/lib/tsbuild';
  const data = env['XDG_DATA_HOME'];
  return join(data?.startsWith('/') === true ? data : join(home, '.local', 'share'), 'tsbuild');
}

/** Absolute paths of the stores to read from: those of the --additional-store options, else of TSBUILD_ADDITIONAL_STORES. */
export function additionalStores(options: readonly string[], { env, cwd }: Host): readonly string[] {
  const named = options.length > 0 ? options : (env['TSBUILD_ADDITIONAL_STORES'] ?? '').split(':');
  return named.filter((path) => path !== '').map((path) => resolve(cwd, path));
}

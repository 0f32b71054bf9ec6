import { resolve } from 'node:path';
import type { Toolchain } from '../../toolchain/toolchain-types.js';
import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { parseByteCount } from '../options/byte-count.js';
import { noticeLine } from '../progress/report.js';
import { readRegistrySettings } from '../options/registry-options.js';
import { additionalStores, storeRoot } from '../store-root.js';

/** As `openToolchain`, at the first use and only once. */
export function lazyToolchain(parsed: ParsedArguments, host: Host): AsyncDisposable & { get(): Promise<Toolchain> } {
  let opened: Promise<Toolchain> | undefined;
  return {
    get: () => (opened ??= openToolchain(parsed, host)),
    async [Symbol.asyncDispose]() {
      await (await opened?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

/**
 * The toolchain over the store that the command line names. The caller disposes it.
 * @param names of images in registries that the command line is about
 */
export async function openToolchain(
  parsed: ParsedArguments,
  host: Host,
  names: readonly string[] = parsed.list('tag'),
): Promise<Toolchain> {
  const keepStorage = host.env['TSBUILD_KEEP_STORAGE'] ?? '';
  return await host.openToolchain({
    storeRoot: storeRoot(parsed.value('store'), host),
    additionalStores: additionalStores(parsed.list('additional-store'), host),
    keepStorage: keepStorage === '' ? undefined : parseByteCount(keepStorage, 'TSBUILD_KEEP_STORAGE'),
    onWarning: (message) => {
      // Not awaited: a slow terminal must not hold up what reads a store.
      host.stderr.write(`${noticeLine(message)}\n`);
    },
    env: environment(parsed, host),
    registries: readRegistrySettings(parsed, host, names),
    now: host.now,
  });
}

/** `--authfile` is what the variable says otherwise, as with podman and skopeo. */
export function environment(parsed: ParsedArguments, host: Host): Host['env'] {
  const path = parsed.value('authfile');
  return path === undefined ? host.env : { ...host.env, REGISTRY_AUTH_FILE: resolve(host.cwd, path) };
}

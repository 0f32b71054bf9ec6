import type { Toolchain } from '../../toolchain-types.js';
import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { storeRoot } from '../store-root.js';

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

/** The toolchain over the store that the command line names. The caller disposes it. */
export async function openToolchain(parsed: ParsedArguments, host: Host): Promise<Toolchain> {
  return await host.openToolchain({ storeRoot: storeRoot(parsed.value('store'), host), env: host.env, now: host.now });
}

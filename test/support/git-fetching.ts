import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchContext, readContextFile } from '../../src/builder/context/fetched-context.js';
import { gitEnvironment } from '../../src/builder/sources/git/git-environment.js';
import { remoteOperation } from '../../src/builder/sources/remote-operation.js';
import { remoteSource } from '../../src/builder/sources/remote-source.js';
import { SourceFetcher } from '../../src/builder/sources/source-fetcher.js';
import { openStore, type OpenStore } from '../../src/store/open-store.js';
import { listTree } from './listing.js';

/** A store of its own, into which repositories are fetched. */
export interface GitFetching {
  readonly folder: string;
  readonly store: OpenStore;
  /** The tree of an address of ADD, as lines. */
  list(
    address: string,
    options?: { readonly keepGitDir?: boolean; readonly checksum?: string; times?: boolean },
  ): Promise<string[]>;
  /** What stands for the tree. */
  identity(address: string, options?: { readonly keepGitDir?: boolean }): Promise<string | undefined>;
  /** A file of the repository as a build context; `undefined` where there is none. */
  contextFile(address: string, path: string, options?: { readonly keepGitDir?: boolean }): Promise<string | undefined>;
  end(): Promise<void>;
}

export async function startFetching(
  env: Readonly<Record<string, string | undefined>> = process.env,
  secrets: Readonly<Record<string, Uint8Array>> = {},
): Promise<GitFetching> {
  const folder = await mkdtemp(join(tmpdir(), 'git-sources-'));
  const store = await openStore(join(folder, 'store'));
  const access = {
    web: () => Promise.reject(new Error('no URL is asked')),
    gitEnvironment: () => Promise.resolve(gitEnvironment({ ...env, HOME: folder })),
  };
  const fetcher = new SourceFetcher({ store, access, secrets });
  const fetch = async (address: string, options: { readonly keepGitDir?: boolean; readonly checksum?: string }) => {
    const source = remoteSource(address);
    if (source === undefined) throw new Error(`${address} is remote`);
    const signal = new AbortController().signal;
    return await fetcher.fetch(remoteOperation(source, options), 'step', { signal, progress: () => undefined });
  };
  return {
    folder,
    store,
    list: async (address, options = {}) =>
      listTree((await fetch(address, options)).tree, { times: options.times ?? false }),
    identity: async (address, options = {}) => (await fetch(address, options)).identity,
    contextFile: async (address, path, options = {}) => {
      const { signal } = new AbortController();
      const context = await fetchContext(address, { store, access, secrets }, { ...options, signal });
      if (context === undefined) throw new Error(`${address} is remote`);
      const content = await readContextFile(context, path, 1 << 20);
      return content === undefined ? undefined : Buffer.from(content).toString();
    },
    async end() {
      store[Symbol.dispose]();
      await rm(folder, { recursive: true });
    },
  };
}

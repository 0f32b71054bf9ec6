import { mkdtemp } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { BuilderParts } from '../builder/builder-parts.js';
import type { BuildRequest } from '../builder/build-request.js';
import type { Workshop } from '../builder/operations/operation-parts.js';
import type { ProgressSink } from '../builder/progress.js';
import type { OpenVisit } from '../builder/visit.js';
import type { RegistrySettings } from '../registry/config/registry-settings.js';
import type { RegistryClient } from '../registry/registry-client.js';
import type { Store, StoreLock } from '../store/store.js';
import { createLimiter } from '../support/limiter.js';
import { openRegistryClient } from './transfer/registry-access.js';
import { openSourceAccess } from './source-access.js';
import { waitingForStore } from './waiting-for-store.js';
import { openWorkshop } from './workshop/workshop.js';

/** Steps wait more than they compute, for networks and disks: fewer at once would leave a small machine idle. */
const MIN_JOBS = 4;

export interface BuilderPartsOptions {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly registries?: RegistrySettings | undefined;
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
  readonly drain: () => Promise<void>;
  readonly openVisit?: OpenVisit | undefined;
  readonly request?: Pick<BuildRequest, 'isolation' | 'jobs'> | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What a build takes, each made at its first use: a build that is all cache opens no registry, no sandbox and no lock. */
export function createBuilderParts(options: BuilderPartsOptions): BuilderParts & AsyncDisposable {
  const { store, now, drain, signal, progress } = options;
  const locked = once(() => store.lock('shared', { signal, onWait: waitingForStore(progress) }));
  const registry = once(async (): Promise<RegistryClient> => {
    await locked.get();
    return openRegistryClient(options);
  });
  const workshop = once(async (upcoming: () => number): Promise<Workshop> => {
    await locked.get();
    return openWorkshop({ ...options, isolation: options.request?.isolation, upcoming });
  });
  const sources = openSourceAccess(options);
  return {
    store,
    now,
    drain,
    sources,
    openVisit: options.openVisit,
    limiter: createLimiter(options.request?.jobs ?? jobsOn(availableParallelism())),
    again: () => createSecondParts(options),
    registry: registry.get,
    workshop: workshop.get,
    async claim(key, options) {
      await locked.get();
      return await store.claim(key, options);
    },
    async [Symbol.asyncDispose]() {
      await (await workshop.made())?.[Symbol.asyncDispose]();
      await (await registry.made())?.close();
      await sources[Symbol.asyncDispose]();
      releaseLock(await locked.made());
    },
  };
}

/** How many steps are at work at once where nobody says. */
export function jobsOn(processors: number): number {
  return Math.max(MIN_JOBS, processors);
}

/** Over what the first store has, which is only read. */
async function createSecondParts(options: BuilderPartsOptions): Promise<BuilderParts & AsyncDisposable> {
  const { openStore } = await import('../store/open-store.js');
  const { removeTree } = await import('../support/files.js');
  const { store: first, progress } = options;
  const root = await mkdtemp(join(first.temporaryDirectory, 'again-'));
  const onWarning = (message: string): void => {
    progress({ type: 'warning', message });
  };
  const store = await openStore(root, { additional: [first.root, ...first.additionalRoots], onWarning });
  const parts = createBuilderParts({ ...options, store, openVisit: undefined });
  return {
    ...parts,
    async [Symbol.asyncDispose]() {
      await parts[Symbol.asyncDispose]();
      store[Symbol.dispose]();
      await removeTree(root);
    },
  };
}

function releaseLock(lock: StoreLock | undefined): void {
  lock?.[Symbol.dispose]();
}

interface Once<T, A extends unknown[]> {
  readonly get: (...args: A) => Promise<T>;
  /** What was made, or `undefined` when nothing was or its making failed. */
  readonly made: () => Promise<T | undefined>;
}

/** The first call's arguments are the ones that count. */
function once<T, A extends unknown[]>(make: (...args: A) => Promise<T>): Once<T, A> {
  let promise: Promise<T> | undefined;
  return {
    get: (...args) => (promise ??= make(...args)),
    made: async () => promise?.catch(() => undefined),
  };
}

import { buildAll } from '../../builder/build.js';
import { collectSnapshots } from '../care/collect-snapshots.js';
import type { FromWorker, ToWorker, WorkerResult, WorkerTask } from './build-messages.js';
import { createBuilderParts } from '../builder-parts.js';
import { openStore } from '../../store/open-store.js';
import { onDisk } from '../../store/store-error.js';
import { encodeError, isTsbuildError, TsbuildError } from '../../support/errors.js';
import { pruneCacheMounts } from '../care/prune-cache-mounts.js';
import { visitorOf } from './visit-channel.js';

// Runs as root of a user namespace, started by an ordinary user's process: the same builder over the same store, with the rights
// to unpack, mount and run. Requests come and events go over the IPC channel; when that closes, the other side is gone.

/** Messages that may be under way before a step's output has to wait: bounds what a slow receiver makes us hold. */
const MAX_PENDING = 64;

let pending = 0;
let waiting: (() => void)[] = [];

function send(message: FromWorker): void {
  pending += 1;
  process.send?.(message, (error: Error | null) => {
    pending -= 1;
    if (pending > MAX_PENDING / 2 && error === null) return;
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  });
}

function drain(): Promise<void> {
  if (pending < MAX_PENDING) return Promise.resolve();
  return new Promise((resolve) => waiting.push(resolve));
}

function listen(listener: (message: ToWorker) => void): Disposable {
  process.on('message', listener);
  return { [Symbol.dispose]: () => process.off('message', listener) };
}

async function perform(message: WorkerTask, signal: AbortSignal): Promise<WorkerResult> {
  const onWarning = (warning: string): void => {
    send({ type: 'progress', event: { type: 'warning', message: warning } });
  };
  const { root, additional } = message.store;
  using store = await openStore(root, { additional, onWarning });
  if (message.type === 'collect-snapshots') {
    const { keep, dryRun } = message;
    return { type: 'collected', snapshots: await collectSnapshots({ store, keep: new Set(keep), dryRun, signal }) };
  }
  if (message.type === 'prune-cache-mounts') {
    return { type: 'pruned', cacheMounts: await pruneCacheMounts({ store, dryRun: message.dryRun, signal }) };
  }
  if (message.type === 'export-cache-mount' || message.type === 'import-cache-mount') {
    const { transferCacheMount } = await import('./cache-mounts-in-namespace.js');
    await transferCacheMount(message, { store, signal });
    return { type: 'transferred' };
  }
  const progress = (event: Extract<FromWorker, { type: 'progress' }>['event']): void => {
    send({ type: 'progress', event });
  };
  const { env, registries } = message;
  const openVisit = visitorOf({ send, listen, signal });
  const common = { store, env, registries, progress, signal, drain, now: Date.now };
  if (message.type === 'run-image') {
    const { runImageHere } = await import('./run-image.js');
    return { type: 'ran', run: await runImageHere(message.request, { ...common, openVisit }) };
  }
  const { requests, mayVisit } = message;
  const openedVisit = mayVisit ? openVisit : undefined;
  await using parts = createBuilderParts({ ...common, request: requests[0], openVisit: openedVisit });
  return { type: 'built', builds: await buildAll(requests, parts, { progress, signal }) };
}

async function main(): Promise<void> {
  const abort = new AbortController();
  const disconnected = (): void => {
    abort.abort();
  };
  process.once('disconnect', disconnected);
  // A terminal's Ctrl-C or end reaches this process too: the one that was started by the user decides, and tells.
  for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => undefined);
  process.on('SIGTERM', disconnected);
  const first = await new Promise<ToWorker>((resolve) => process.once('message', resolve));
  process.on('message', (message: ToWorker) => {
    if (message.type === 'abort') abort.abort();
  });
  if (first.type === 'abort' || first.type === 'order' || first.type === 'visit-opened') return;
  try {
    const result = await onDisk('use the store', first.store.root, () => perform(first, abort.signal));
    send({ type: 'done', result });
  } catch (error) {
    const known = isTsbuildError(error) ? error : new TsbuildError('INTERNAL', String(error));
    send({ type: 'failed', error: encodeError(known), stack: error instanceof Error ? error.stack : undefined });
  }
  process.off('disconnect', disconnected);
}

// No top-level await: this is bundled as CommonJS.
void main().finally(() => {
  if (process.connected) process.disconnect();
});

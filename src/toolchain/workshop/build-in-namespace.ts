import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ID_COMPLAINT } from '../../builder/operations/advice/id-complaint.js';
import { buildAll } from '../../builder/build.js';
import type { BuilderParts } from '../../builder/builder-parts.js';
import type { BuildRequest, BuildResult } from '../../builder/build-request.js';
import type { ProgressEvent, ProgressSink } from '../../builder/progress.js';
import type { ImageRunRequest } from '../../builder/image-run/image-run-request.js';
import type { OpenVisit } from '../../builder/visit.js';
import type { RunResult } from '../../sandbox/sandbox.js';
import type { StorePlace, WorkerResult, WorkerTask, ToWorker } from './build-messages.js';
import type { CollectSnapshotsOptions, KeptSnapshot } from '../care/collect-snapshots.js';
import { NeedsWorkshopError } from './needs-workshop.js';
import { openSourceAccess } from '../source-access.js';
import type { RegistrySettings } from '../../registry/config/registry-settings.js';
import type { Store } from '../../store/store.js';
import type { ChildProcess } from '../../support/child-process.js';
import { currentUser } from '../../support/current-user.js';
import type { PrunedCacheMount } from '../care/store-care-types.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import { createLimiter } from '../../support/limiter.js';
import { planUserNamespace, spawnInUserNamespace } from '../../support/user-namespace.js';
import { receiveVisitor, VISIT_STDIO } from './visit-channel.js';
import { answerOf } from './worker-answer.js';

export interface OrdinaryUserOptions {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly registries?: RegistrySettings | undefined;
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Who is let into the sandbox of a step that failed; absent: nobody. */
  readonly openVisit?: OpenVisit | undefined;
}

/**
 * Builds as an ordinary user, as `buildAll` does. When the cache answers, here and at once; else in a process that is root of a user namespace
 * (user_namespaces(7)), where unpacking, mounting and running are allowed.
 * @throws `SANDBOX_UNAVAILABLE` when no user namespace can be made
 */
export async function buildAsOrdinaryUser(
  requests: readonly BuildRequest[],
  options: OrdinaryUserOptions,
): Promise<readonly BuildResult[]> {
  const events: ProgressEvent[] = [];
  const flush = (): void => {
    events.forEach(options.progress);
  };
  try {
    const results = await buildFromCache(requests, { ...options, progress: (event) => events.push(event) });
    flush();
    return results;
  } catch (error) {
    if (error instanceof NeedsWorkshopError) return buildInWorker(requests, options);
    flush();
    throw error;
  }
}

async function buildFromCache(
  requests: readonly BuildRequest[],
  options: OrdinaryUserOptions,
): Promise<readonly BuildResult[]> {
  const { store, now, progress, signal } = options;
  const refuse = (): Promise<never> => Promise.reject(new NeedsWorkshopError());
  const drain = (): Promise<void> => Promise.resolve();
  const limiter = createLimiter(1);
  // What is fetched needs no rights of ours, and ssh finds its user's own files here.
  await using sources = openSourceAccess(options);
  const refused = { registry: refuse, workshop: refuse, claim: refuse, again: refuse };
  const parts: BuilderParts = { store, now, drain, ...refused, limiter, sources };
  return await buildAll(requests, parts, { progress, signal });
}

async function buildInWorker(
  requests: readonly BuildRequest[],
  options: OrdinaryUserOptions,
): Promise<readonly BuildResult[]> {
  const { store, env, registries } = options;
  const mayVisit = options.openVisit !== undefined;
  const message: WorkerTask = {
    type: 'build',
    store: placeOf(store),
    env: definedOnly(env),
    registries,
    requests,
    mayVisit,
  };
  const secrets = requests.map((request) => request.secrets);
  const result = await askWorker(message, { ...options, secrets });
  if (result.type !== 'built') throw new Error('internal error: the build worker gave no result');
  return result.builds;
}

/** As `runImageHere`. */
export async function runImageAsOrdinaryUser(
  request: ImageRunRequest,
  options: Omit<OrdinaryUserOptions, 'openVisit'> & { readonly openVisit: OpenVisit },
): Promise<RunResult> {
  const { store, env, registries } = options;
  const message: WorkerTask = { type: 'run-image', store: placeOf(store), env: definedOnly(env), registries, request };
  const result = await askWorker(message, options);
  if (result.type !== 'ran') throw new Error('internal error: the worker ran nothing');
  return result.run;
}

/** As `pruneCacheMounts`: their files belong to ids that only the user namespace may touch. */
export async function pruneCacheMountsAsOrdinaryUser(
  dryRun: boolean,
  options: Pick<OrdinaryUserOptions, 'store' | 'env' | 'progress' | 'signal'>,
): Promise<readonly PrunedCacheMount[]> {
  const message: WorkerTask = { type: 'prune-cache-mounts', store: placeOf(options.store), dryRun };
  const result = await askWorker(message, options);
  if (result.type !== 'pruned') throw new Error('internal error: the build worker pruned nothing');
  return result.cacheMounts;
}

/** As `collectSnapshots`: their files belong to ids that only the user namespace may touch. */
export async function collectSnapshotsAsOrdinaryUser(
  keep: ReadonlySet<string>,
  options: Pick<OrdinaryUserOptions, 'store' | 'env'> & Pick<CollectSnapshotsOptions, 'dryRun' | 'signal'>,
): Promise<readonly KeptSnapshot[]> {
  const { store, env, dryRun, signal = new AbortController().signal } = options;
  const message: WorkerTask = { type: 'collect-snapshots', store: placeOf(store), keep: [...keep], dryRun };
  const result = await askWorker(message, { env, progress: () => undefined, signal });
  if (result.type !== 'collected') throw new Error('internal error: the build worker collected nothing');
  return result.snapshots;
}

export function placeOf({ root, additionalRoots }: Store): StorePlace {
  return { root, additional: additionalRoots };
}

interface AskOptions extends Pick<OrdinaryUserOptions, 'env' | 'progress' | 'signal' | 'openVisit'> {
  /** What the worker is told, and must not have in its environment, which anybody of the same user can read. */
  readonly secrets?: readonly BuildRequest['secrets'][];
  /** Has the worker's first further descriptor, until the signal says that the worker has ended. When it fails, the work is cancelled. */
  readonly transfer?: ((socket: Duplex, ended: AbortSignal) => Promise<void>) | undefined;
}

export async function askWorker(
  message: WorkerTask,
  { env, progress, signal, openVisit, secrets = [], transfer }: AskOptions,
): Promise<WorkerResult> {
  const { uid, gid, name } = currentUser();
  const plan = await planUserNamespace({ uid, gid, userName: name });
  const child = await startWorker(plan, withoutSecrets(env, secrets), stdioFor({ openVisit, transfer }));
  const abort = (): void => {
    if (child.connected) child.send({ type: 'abort' } satisfies ToWorker);
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    child.send(message);
    if (signal.aborted) abort();
    await using transferred = beginTransfer(child, transfer, abort);
    const visits: Promise<void>[] = [];
    const answer = answerOf(child, progress, (failed) => {
      if (openVisit === undefined) return;
      const visit = receiveVisitor(child, openVisit, failed);
      visits.push(visit);
      visit.catch(abort);
    });
    // What the program wrote last, and the terminal as it was, before anything is said of how it ended.
    const [result] = await Promise.allSettled([answer]);
    await Promise.all(visits);
    if (result.status === 'rejected') throw signal.aborted ? result.reason : transferred.causeOf(result.reason);
    await transferred.done;
    return result.value;
  } catch (error) {
    throw plan.kind === 'single' ? withIdAdvice(error, plan.advice) : error;
  } finally {
    signal.removeEventListener('abort', abort);
    if (child.connected) child.disconnect();
  }
}

function stdioFor({ openVisit, transfer }: Pick<AskOptions, 'openVisit' | 'transfer'>): readonly 'pipe'[] {
  if (transfer !== undefined) return ['pipe'];
  return openVisit === undefined ? [] : VISIT_STDIO;
}

interface Transfer extends AsyncDisposable {
  readonly done: Promise<void>;
  /** What the worker was cancelled for, if it was; else its own error. */
  readonly causeOf: (error: unknown) => unknown;
}

function beginTransfer(child: ChildProcess, transfer: AskOptions['transfer'], abort: () => void): Transfer {
  const streams: readonly unknown[] = child.stdio;
  const socket = transfer === undefined ? undefined : (streams[TRANSFER_STDIO] as Duplex);
  const ended = new AbortController();
  let failure: unknown;
  // A worker that has given up closes its end: that is told by its answer.
  socket?.on('error', () => undefined);
  const begun = socket === undefined ? Promise.resolve() : transfer?.(socket, ended.signal);
  const done = Promise.resolve(begun).catch((error: unknown) => {
    failure = error;
    abort();
  });
  return {
    done,
    causeOf: (error) => (isTsbuildError(error, 'ABORTED') ? (failure ?? error) : error),
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      socket?.destroy();
      await done;
    },
  };
}

/** Behind standard input, output, error and the channel of messages. */
const TRANSFER_STDIO = 4;

function withoutSecrets(
  env: OrdinaryUserOptions['env'],
  secrets: readonly BuildRequest['secrets'][],
): OrdinaryUserOptions['env'] {
  const values = new Set(
    secrets.flatMap(Object.values<Uint8Array>).map((value) => Buffer.from(value).toString('utf8')),
  );
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value === undefined || !values.has(value)));
}

type NamespacePlan = Awaited<ReturnType<typeof planUserNamespace>>;

async function startWorker(
  plan: NamespacePlan,
  env: OrdinaryUserOptions['env'],
  visit: readonly 'pipe'[],
): Promise<ChildProcess> {
  if (plan.kind === 'forbidden') {
    throw new TsbuildError('SANDBOX_UNAVAILABLE', `cannot build as an ordinary user: ${plan.reason}`, {
      hint: plan.hint,
    });
  }
  const worker = fileURLToPath(new URL('./build-worker.js', import.meta.url));
  return spawnInUserNamespace(plan, process.execPath, [worker], {
    env: definedOnly(env),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', ...visit],
    serialization: 'advanced',
  });
}

/** A step that failed with one id mapped may have failed for that: chown(2) to any other gives EINVAL. */
function withIdAdvice(error: unknown, advice: string): unknown {
  if (!isTsbuildError(error, 'RUN_FAILED') && !isTsbuildError(error, 'SANDBOX_FAILED')) return error;
  const { code, message, hint, source, details, cause } = error;
  const ofStep = code === 'RUN_FAILED';
  if (ofStep && !ID_COMPLAINT.test(String(details['output']))) return error;
  const original = ofStep && hint !== undefined ? `${hint.split('\n', 1).join('')}\n` : '';
  const limit = 'This user has one id only, so no step can change owners or users.';
  return new TsbuildError(code, message, { hint: `${original}${limit} ${advice}`, source, details, cause });
}

function definedOnly(env: OrdinaryUserOptions['env']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

import { baseResolver, buildAll, explainAll, planOnly } from './builder/build.js';
import type { BuildRequest, BuildResult, ContextFile } from './builder/build-request.js';
import type { ImageRunRequest } from './builder/image-run/image-run-request.js';
import type { RunResult } from './sandbox/sandbox.js';
import type { CheckResult } from './builder/check/check-dockerfile.js';
import type { Outline } from './builder/outline/outline.js';
import type { BuildExplanation } from './builder/explain/build-explanation.js';
import type { BuildPlan } from './builder/plan.js';
import type { ImageFiles } from './layers/compare/image-files.js';
import { createBuilderParts, type BuilderPartsOptions } from './toolchain/builder-parts.js';
import type { ArchivesContext } from './toolchain/transfer/image-archives.js';
import { hostPlatform, parsePlatform } from './oci/platform.js';
import { formatReference, parseReference, withDefaultTag } from './oci/reference.js';
import type { ImageLocation } from './registry/copy/image-location.js';
import type { PushContext } from './toolchain/transfer/push-from-store.js';
import { openRegistryClient } from './toolchain/transfer/registry-access.js';
import { findImage, isLoss, namesOf } from './store/images/find-image.js';
import type { StoredImage } from './store/image-store.js';
import { onDisk } from './store/store-error.js';
import { openStore, type OpenStore } from './store/open-store.js';
import type {
  CheckStoreOptions,
  DiskUsage,
  PruneResult,
  PruneStoreOptions,
  StoreFinding,
} from './toolchain/care/store-care-types.js';
import { TsbuildError } from './support/errors.js';
import { invariant } from './support/invariant.js';
import { transferEvents } from './toolchain/transfer/transfer-events.js';
import { waitingForStore } from './toolchain/waiting-for-store.js';

import type {
  FetchContextOptions,
  BootstrapRequest,
  BuildAllOptions,
  BuildOptions,
  BuildTask,
  CopiedImage,
  CopyOptions,
  ImageDetails,
  ImageFilesOptions,
  LoadedImage,
  PruneOptions,
  LoadOptions,
  PulledImage,
  PullOptions,
  PushedImage,
  PushOptions,
  RunImageOptions,
  SavedFile,
  SaveFilesOptions,
  SaveOptions,
  Toolchain,
  ToolchainOptions,
} from './toolchain/toolchain-types.js';
import type { ActivityOptions } from './toolchain/activity-options.js';
import type { PrunedCacheMount, Removal } from './toolchain/care/store-care-types.js';

/** A toolchain over a store on this machine. @throws `STORE_INVALID`, `STORE_IO` */
export async function createToolchain(options: ToolchainOptions): Promise<Toolchain> {
  const { storeRoot, additionalStores: additional, onWarning } = options;
  return new LocalToolchain(await openStore(storeRoot, { additional, onWarning }), options);
}

class LocalToolchain implements Toolchain {
  readonly #store: OpenStore;
  readonly #options: ToolchainOptions;
  readonly #now: () => number;

  constructor(store: OpenStore, options: ToolchainOptions) {
    this.#store = store;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  async build(request: BuildRequest, options: BuildOptions = {}): Promise<BuildResult> {
    const { outputs, cacheTo } = options;
    const [result] = await this.buildAll([{ request, outputs, cacheTo }], options);
    invariant(result !== undefined, 'a build has a result');
    return result;
  }

  async buildAll(tasks: readonly BuildTask[], options: BuildAllOptions = {}): Promise<readonly BuildResult[]> {
    const bytes = this.#options.keepStorage;
    if (bytes === undefined) return await this.#buildOutputs(tasks, options);
    const { keepStorage, watchWork } = await import('./toolchain/care/keep-storage.js');
    const watched = watchWork(withDefaults(options).progress);
    const results = await this.#buildOutputs(tasks, { ...options, progress: watched.progress });
    if (watched.worked()) await keepStorage(bytes, { store: this.#store, env: this.#options.env });
    return results;
  }

  async #buildOutputs(tasks: readonly BuildTask[], options: BuildAllOptions): Promise<readonly BuildResult[]> {
    const activity = { ...withDefaults(options), openVisit: options.openVisit };
    const isPlain = tasks.every(({ outputs = [], cacheTo = [] }) => outputs.length + cacheTo.length === 0);
    const requests = tasks.map(({ request }) => request);
    if (isPlain) return await this.#build(requests, activity);
    const { requestOf, performTasks } = await import('./toolchain/build-tasks.js');
    const results = await this.#build(tasks.map(requestOf), activity);
    return await performTasks(tasks, results, { ...this.#pushContext(activity), toolchain: this });
  }

  async #build(requests: readonly BuildRequest[], activity: BuildActivity): Promise<readonly BuildResult[]> {
    if (process.geteuid?.() === 0) return this.#buildHere(requests, activity);
    const { buildAsOrdinaryUser } = await import('./toolchain/workshop/build-in-namespace.js');
    const { env, registries } = this.#options;
    return buildAsOrdinaryUser(requests, {
      store: this.#store,
      env,
      registries,
      now: this.#now,
      ...activity,
    });
  }

  async #buildHere(
    requests: readonly BuildRequest[],
    { progress, signal, openVisit }: BuildActivity,
  ): Promise<readonly BuildResult[]> {
    return await onDisk('build the image', this.#store.root, async () => {
      const options = { ...this.#partsOptions({ progress, signal }), request: requests[0], openVisit };
      await using parts = createBuilderParts(options);
      return await buildAll(requests, parts, { progress, signal });
    });
  }

  #partsOptions(activity: Activity): BuilderPartsOptions {
    const drain = (): Promise<void> => Promise.resolve();
    const { env, registries } = this.#options;
    return { store: this.#store, env, registries, drain, now: this.#now, ...activity };
  }

  async plan(request: BuildRequest, activity: ActivityOptions = {}): Promise<BuildPlan> {
    const { progress, signal } = withDefaults(activity);
    await using parts = createBuilderParts(this.#partsOptions({ progress, signal }));
    return await planOnly(request, parts, { progress, signal });
  }

  async explain(request: BuildRequest, activity: ActivityOptions = {}): Promise<BuildExplanation> {
    return await this.explainAll([request], activity);
  }

  async explainAll(requests: readonly BuildRequest[], activity: ActivityOptions = {}): Promise<BuildExplanation> {
    const { progress, signal } = withDefaults(activity);
    return await onDisk('explain the build', this.#store.root, async () => {
      await using parts = createBuilderParts(this.#partsOptions({ progress, signal }));
      return await explainAll(requests, parts, { progress, signal });
    });
  }

  async fetchContext(address: string, given: FetchContextOptions = {}): Promise<ContextFile | undefined> {
    const { progress, signal } = withDefaults(given);
    const { fetchContext } = await import('./builder/context/fetched-context.js');
    const { openSourceAccess } = await import('./toolchain/source-access.js');
    const options = { store: this.#store, env: this.#options.env, now: this.#now, progress, signal };
    await using access = openSourceAccess(options);
    const { keepGitDir, secrets = {}, sourcePolicies: policies } = given;
    return await fetchContext(address, { store: this.#store, access, secrets }, { signal, keepGitDir, policies });
  }

  async unpackContext(source: AsyncIterable<Uint8Array>, activity: ActivityOptions = {}): Promise<ContextFile> {
    const { describing, unpackContext } = await import('./builder/context/fetched-context.js');
    return await describing('', () => unpackContext(source, this.#store, withDefaults(activity)));
  }

  async readContextFile(context: ContextFile, path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const { readContextFile } = await import('./builder/context/fetched-context.js');
    return await readContextFile(context, path, maxBytes);
  }

  async check(request: BuildRequest, activity: ActivityOptions = {}): Promise<CheckResult> {
    const { progress, signal } = withDefaults(activity);
    const { checkDockerfile } = await import('./builder/check/check-dockerfile.js');
    await using parts = createBuilderParts(this.#partsOptions({ progress, signal }));
    return await checkDockerfile(request, { resolveBase: baseResolver(request, parts, { progress, signal }) });
  }

  async outline(request: BuildRequest, activity: ActivityOptions = {}): Promise<Outline> {
    const { progress, signal } = withDefaults(activity);
    const { outlineDockerfile } = await import('./builder/outline/outline-dockerfile.js');
    await using parts = createBuilderParts(this.#partsOptions({ progress, signal }));
    return await outlineDockerfile(request, { resolveBase: baseResolver(request, parts, { progress, signal }) });
  }

  async runImage(request: ImageRunRequest, options: RunImageOptions): Promise<RunResult> {
    const activity = { ...withDefaults(options), openVisit: options.openVisit };
    if (process.geteuid?.() === 0) {
      const { runImageHere } = await import('./toolchain/workshop/run-image.js');
      return await runImageHere(request, { ...this.#partsOptions(activity), ...activity });
    }
    const { runImageAsOrdinaryUser } = await import('./toolchain/workshop/build-in-namespace.js');
    const { env, registries } = this.#options;
    return await runImageAsOrdinaryUser(request, { store: this.#store, env, registries, now: this.#now, ...activity });
  }

  async pull(name: string, activity: PullOptions = {}): Promise<PulledImage> {
    const { progress, signal } = withDefaults(activity);
    const reference = withDefaultTag(parseReference(name));
    const { allPlatforms = false } = activity;
    if (allPlatforms && activity.platform !== undefined) throw onePlatformOfAll(name);
    const platform = activity.platform === undefined ? hostPlatform() : parsePlatform(activity.platform);
    const { pullImage } = await import('./registry/pull-image.js');
    using _lock = await this.#store.lock('shared', { signal, onWait: waitingForStore(progress) });
    const { env, registries } = this.#options;
    const client = await openRegistryClient({ env, registries, progress });
    try {
      const { image, changed } = await pullImage({
        reference,
        platform,
        allPlatforms,
        client,
        store: this.#store,
        onBlob: transferEvents(progress, { step: 'pull', direction: 'pull', now: this.#now }),
        onWarning: (message) => {
          progress({ type: 'warning', message });
        },
        signal,
      });
      return { name: formatReference(reference), digest: image.resolved ?? image.descriptor.digest, changed };
    } finally {
      await client.close();
    }
  }

  async push(name: string, activity: PushOptions = {}): Promise<PushedImage> {
    const { progress, signal } = withDefaults(activity);
    const target = withDefaultTag(parseReference(name));
    const { image } = await findImage(this.#store.images, name);
    const { pushFromStore } = await import('./toolchain/transfer/push-from-store.js');
    return await pushFromStore({ image, target }, activity, this.#pushContext({ progress, signal }));
  }

  #pushContext(activity: Activity): PushContext {
    const { env, registries } = this.#options;
    return { store: this.#store, env, registries, now: this.#now, ...activity };
  }

  async save(names: readonly string[], options: SaveOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    const { saveStream } = await import('./toolchain/transfer/image-archives.js');
    return await saveStream(names, options, this.#archivesContext(options));
  }

  async saveFiles(names: readonly string[], options: SaveFilesOptions): Promise<readonly SavedFile[]> {
    const { saveFiles } = await import('./toolchain/transfer/image-archives.js');
    return await saveFiles(names, options, this.#archivesContext(options));
  }

  async load(
    source: AsyncIterable<Uint8Array> | readonly string[],
    options: LoadOptions = {},
  ): Promise<readonly LoadedImage[]> {
    const { load } = await import('./toolchain/transfer/image-archives.js');
    return await load(source, options, this.#archivesContext(options));
  }

  #archivesContext(activity: ActivityOptions): ArchivesContext {
    return { store: this.#store, env: this.#options.env, now: this.#now, ...withDefaults(activity) };
  }

  async copy(from: ImageLocation, to: ImageLocation, options: CopyOptions = {}): Promise<CopiedImage> {
    const { copyBetween } = await import('./toolchain/transfer/copy-between.js');
    return await copyBetween(from, to, { ...this.#pushContext(withDefaults(options)), platforms: options.platforms });
  }

  async imageFiles(location: ImageLocation, options: ImageFilesOptions = {}): Promise<ImageFiles> {
    const { openImageFiles } = await import('./toolchain/open-image-files.js');
    const { platform } = options;
    return await openImageFiles({ location, platform }, this.#pushContext(withDefaults(options)));
  }

  async images({ onLost }: { readonly onLost?: (image: StoredImage) => void } = {}): Promise<readonly ImageDetails[]> {
    const details = (await this.#store.images.list()).map(async (image) => {
      try {
        return [await this.#details(image)];
      } catch (error) {
        if (onLost === undefined || !isLoss(error)) throw error;
        onLost(image);
        return [];
      }
    });
    return (await Promise.all(details)).flat();
  }

  async image(name: string): Promise<ImageDetails> {
    return this.#details((await findImage(this.#store.images, name)).image);
  }

  async #details(image: StoredImage): Promise<ImageDetails> {
    const { images } = this.#store;
    const manifest = await images.manifest(image.descriptor);
    const config = await images.config(manifest);
    const called = await namesOf(images, config.descriptor.digest);
    const size = manifest.value.layers.reduce((sum, layer) => sum + layer.size, 0);
    return { image, manifest, config, ...called, size };
  }

  async tag(name: string, target: string): Promise<void> {
    const { registry, repository, tag = 'latest', digest } = withDefaultTag(parseReference(target));
    if (digest !== undefined) {
      throw new TsbuildError('REFERENCE_INVALID', `cannot use "${target}" as a name: it has a digest`, {
        hint: 'Give a name and a tag: the digest follows from the image.',
      });
    }
    const { image } = await findImage(this.#store.images, name);
    // A digest is of a repository: what one registry has is not yet in another.
    const isSame = image.name?.registry === registry && image.name.repository === repository;
    const resolved = isSame ? image.resolved : undefined;
    await this.#store.images.put({ ...image, name: { registry, repository, tag }, resolved });
  }

  async remove(name: string, options: { readonly force?: boolean } = {}): Promise<readonly Removal[]> {
    const { removeImage } = await import('./toolchain/care/remove-image.js');
    return removeImage(name, { store: this.#store, env: this.#options.env, force: options.force ?? false });
  }

  async pruneCacheMounts(options: PruneOptions = {}): Promise<readonly PrunedCacheMount[]> {
    const { hasCacheMounts, pruneCacheMounts } = await import('./toolchain/care/prune-cache-mounts.js');
    const store = this.#store;
    if (!hasCacheMounts(store)) return [];
    const activity = withDefaults(options);
    const dryRun = options.dryRun ?? false;
    if (process.geteuid?.() === 0) return await pruneCacheMounts({ store, dryRun, signal: activity.signal });
    const { pruneCacheMountsAsOrdinaryUser } = await import('./toolchain/workshop/build-in-namespace.js');
    return await pruneCacheMountsAsOrdinaryUser(dryRun, { store, env: this.#options.env, ...activity });
  }

  async *exportCacheMount(id: string, activity: ActivityOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const { signal } = withDefaults(activity);
    const options = { store: this.#store, env: this.#options.env, signal };
    const { exportCacheMountAsOrdinaryUser } = await import('./toolchain/workshop/cache-mounts-in-namespace.js');
    const { exportCacheMount } = await import('./toolchain/outputs/cache-mount-archives.js');
    yield* (process.geteuid?.() === 0 ? exportCacheMount : exportCacheMountAsOrdinaryUser)(id, options);
  }

  async importCacheMount(id: string, tar: AsyncIterable<Uint8Array>, activity: ActivityOptions = {}): Promise<void> {
    const { signal } = withDefaults(activity);
    const options = { store: this.#store, env: this.#options.env, signal };
    const { importCacheMountAsOrdinaryUser } = await import('./toolchain/workshop/cache-mounts-in-namespace.js');
    const { importCacheMount } = await import('./toolchain/outputs/cache-mount-archives.js');
    const importHere = process.geteuid?.() === 0 ? importCacheMount : importCacheMountAsOrdinaryUser;
    await onDisk('import the cache mount', this.#store.root, () => importHere(id, tar, options));
  }

  async diskUsage(activity: ActivityOptions = {}): Promise<DiskUsage> {
    const { measureStore } = await import('./toolchain/care/disk-usage.js');
    const cacheMounts = await this.pruneCacheMounts({ ...activity, dryRun: true });
    return await measureStore({ store: this.#store, env: this.#options.env, cacheMounts, signal: activity.signal });
  }

  async prune(options: PruneStoreOptions = {}): Promise<PruneResult> {
    const { pruneStore } = await import('./toolchain/care/prune-store.js');
    const { signal } = withDefaults(options);
    const { dryRun } = options;
    const cacheMounts = (): Promise<readonly PrunedCacheMount[]> => this.pruneCacheMounts({ dryRun, signal });
    return await pruneStore(options, { store: this.#store, env: this.#options.env, signal, cacheMounts });
  }

  async checkStore(options: CheckStoreOptions = {}): Promise<readonly StoreFinding[]> {
    const { checkStore } = await import('./toolchain/care/check-store.js');
    const { quick = false, repair = false } = options;
    const { signal } = withDefaults(options);
    return await checkStore({ store: this.#store, env: this.#options.env, quick, repair, signal });
  }

  async bootstrap(request: BootstrapRequest, activity: ActivityOptions = {}): Promise<BuildResult> {
    const { bootstrapImage } = await import('./toolchain/transfer/bootstrap-image.js');
    using _lock = await this.#store.lock('shared', activity);
    return await bootstrapImage(request, {
      store: this.#store,
      searchPath: this.#options.env['PATH'] ?? '',
      ...withDefaults(activity),
    });
  }

  /** Everything else is opened by one call and closed by its end. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#store[Symbol.dispose]();
    return Promise.resolve();
  }
}

type BuildActivity = Activity & Pick<BuildOptions, 'openVisit'>;

type Activity = Required<{ [K in keyof ActivityOptions]: NonNullable<ActivityOptions[K]> }>;

function withDefaults({ progress, signal }: ActivityOptions): Activity {
  return { progress: progress ?? (() => undefined), signal: signal ?? new AbortController().signal };
}

function onePlatformOfAll(name: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot pull "${name}": one platform and all of them are asked for`, {
    hint: 'Give either --platform or --all-platforms.',
  });
}

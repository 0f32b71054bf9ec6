import type { Digest } from '../../oci/digest.js';
import type { Platform } from '../../oci/platform.js';
import type { Reference } from '../../oci/reference.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import type { BuildRequest } from '../build-request.js';
import type { GitOperation, HttpOperation } from '../operation.js';
import type { ProgressSink } from '../progress.js';
import type { ResolvedRef } from '../sources/git/git-remote.js';
import { isCommit } from '../sources/git-options.js';
import { gitName, imageName, urlName } from './pin-names.js';
import type { GitPin, LockRequest, Pins } from './pins.js';

/**
 * What of a build's sources is pinned, and what they turned out to be. What the Dockerfile says exactly (a digest, a checksum, a
 * commit) needs no pin and has none.
 */
export class SourceLock {
  readonly #request: LockRequest;
  readonly #images = new Map<string, Digest>();
  readonly #urls = new Map<string, Digest>();
  readonly #git = new Map<string, GitPin>();
  readonly #missing = new Set<string>();

  constructor(request: LockRequest) {
    this.#request = request;
  }

  get mode(): LockRequest['mode'] {
    return this.#request.mode;
  }

  /** Of all sources that were asked for. */
  get found(): Pins {
    return {
      images: Object.fromEntries(this.#images),
      urls: Object.fromEntries(this.#urls),
      git: Object.fromEntries(this.#git),
    };
  }

  /** @throws `LOCK_OUTDATED` when there must be a pin and there is none */
  image(reference: Reference, platform: Platform): Digest | undefined {
    if (reference.digest !== undefined) return undefined;
    return this.#pin(this.#request.pins.images, imageName(reference, platform), 'image');
  }

  /** Takes note of what an image is. What is pinned and cannot be had is told of as such. */
  async resolveImage<T extends { readonly resolved: Digest }>(
    { reference, platform }: { readonly reference: Reference; readonly platform: Platform },
    { pinned, resolve }: { readonly pinned: Digest | undefined; readonly resolve: () => Promise<T> },
  ): Promise<T> {
    const name = imageName(reference, platform);
    const known = await this.#explaining(`use image "${name}"`, pinned, resolve);
    if (reference.digest === undefined) this.#images.set(name, known.resolved);
    return known;
  }

  /** @throws `LOCK_OUTDATED` as `image`, and when the content is not what is pinned */
  async fetchUrl<T extends { readonly digest: Digest }>(
    operation: HttpOperation,
    fetch: (operation: HttpOperation) => Promise<T>,
  ): Promise<T> {
    if (operation.checksum !== undefined) return await fetch(operation);
    const name = urlName(operation);
    const pinned = this.#pin(this.#request.pins.urls, name, 'URL');
    const wanted = pinned === undefined ? operation : { ...operation, checksum: pinned };
    const file = await this.#explaining(`use "${name}"`, pinned, () => fetch(wanted));
    this.#urls.set(name, file.digest);
    return file;
  }

  /** @throws `LOCK_OUTDATED` as `image` */
  async fetchGit<T extends { readonly resolved: ResolvedRef }>(
    operation: GitOperation,
    fetch: (pinned: ResolvedRef | undefined) => Promise<T>,
  ): Promise<T> {
    const { ref, checksum } = operation;
    if ([ref, checksum].some((text) => text !== undefined && isCommit(text))) return await fetch(undefined);
    const name = gitName(operation);
    const pin = this.#pin(this.#request.pins.git, name, 'repository');
    const pinned = pin === undefined ? undefined : { ref: pin.ref, object: pin.tag ?? pin.commit, commit: pin.commit };
    const tree = await this.#explaining(`use repository "${name}"`, pin?.commit, () => fetch(pinned));
    const { commit, object, ref: full } = tree.resolved;
    this.#git.set(name, { commit, ref: full, ...(object === commit ? {} : { tag: object }) });
    return tree;
  }

  /** What to say at the end of a build that has succeeded. */
  remark(progress: ProgressSink, { pull }: Pick<BuildRequest, 'pull'>): void {
    const { mode, name, pins } = this.#request;
    if (mode === 'refresh') return;
    if ((pull === true || pull === 'newer') && Object.keys(pins.images).length > 0) {
      progress({ type: 'warning', message: `--pull changes no image that ${name} pins: --lock does` });
    }
    const [first, ...more] = this.#missing;
    if (first === undefined) return;
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    progress({ type: 'notice', message: `${name} does not pin ${first}${others}: --lock adds what is missing` });
  }

  #pin<T>(entries: Readonly<Record<string, T>>, name: string, what: string): T | undefined {
    const { mode } = this.#request;
    if (mode === 'refresh') return undefined;
    if (Object.hasOwn(entries, name)) return entries[name];
    if (mode === 'frozen') throw this.#unpinned(name, what);
    this.#missing.add(name);
    return undefined;
  }

  #unpinned(name: string, what: string): TsbuildError {
    return new TsbuildError('LOCK_OUTDATED', `cannot use ${what} "${name}": ${this.#request.name} does not pin it`, {
      hint: 'Build with --lock to pin it, and commit the file.',
    });
  }

  async #explaining<T>(verb: string, pinned: string | undefined, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (pinned === undefined || !isTsbuildError(error) || !NOT_AS_PINNED.has(error.code)) throw error;
      const { found } = error.details;
      const state =
        typeof found === 'string'
          ? `it is ${found}, and ${this.#request.name} pins ${pinned}`
          : `${pinned}, which ${this.#request.name} pins, is not there`;
      throw new TsbuildError('LOCK_OUTDATED', `cannot ${verb}: ${state}`, {
        hint: 'If it was meant to change, build with --lock, look at what has changed, and commit the file.',
        source: error.source,
        details: { pinned, ...(typeof found === 'string' ? { found } : {}) },
        cause: error,
      });
    }
  }
}

const NOT_AS_PINNED: ReadonlySet<TsbuildError['code']> = new Set([
  'IMAGE_NOT_FOUND',
  'PLATFORM_NOT_FOUND',
  'DIGEST_MISMATCH',
]);

import { createVerifier, verifyBytes } from '../../../oci/verify-stream.js';
import { isDigest, type Digest } from '../../../oci/digest.js';
import { extractArchive, type ExtractedMember } from '../../../layers/tar/archive.js';
import { TarReadingIndexer } from '../../../layers/index/tar-indexer.js';
import type { BlobInfo, BlobStore } from '../../../store/blob-store.js';
import type { LayerIndexes } from '../../../store/records/layer-indexes.js';
import { collect, observed } from '../../../support/byte-streams.js';
import { isTsbuildError } from '../../../support/errors.js';
import { layerCompression } from './layer-compression.js';
import { archiveInvalid } from '../archive-error.js';
import { normalizeMemberName, resolveLinkName } from './member-name.js';

const MEMBER_LIMIT = 100_000;
/** Bytes. Smaller members are kept in memory until it is known what they are for, so that no odd ones get into the store. */
const SMALL = 256 << 10;
/** Bytes, of all small members together. */
const MEMORY_LIMIT = 64 << 20;
/** What every archive has, and needs for all else to make sense. */
const CONTENTS: ReadonlySet<string> = new Set(['index.json', 'manifest.json', 'oci-layout', 'repositories']);
/** Bytes. */
const CONTENTS_LIMIT = 20 << 20;
const MAGIC_LENGTH = 8;

/** A member whose bytes have been read and digested. */
export interface StagedMember {
  readonly digest: Digest;
  readonly size: number;
  /** Its first bytes, eight unless it is shorter. */
  readonly magic: Buffer;
  /** All of them, for a small member; the others' are in the blob store. */
  readonly bytes: Buffer | undefined;
  /** Not in the archive: the store had it. */
  readonly fromStore?: true;
}

/** The members of an archive by name, after all of it has been read. */
export interface StagedMembers {
  /** Follows one link. */
  get(name: string): StagedMember | undefined;
  readonly names: readonly string[];
}

export interface StageOptions {
  readonly blobs: BlobStore;
  /** Where the indexes go of what is large, new and a tar; absent: none are made. */
  readonly indexes?: Pick<LayerIndexes, 'save'> | undefined;
  /** Filled as blobs come, so that a caller knows them also when this fails. */
  readonly added: Set<Digest>;
  /** Called with each member that is large, once the store has it. */
  readonly onStored?: ((member: StagedMember) => void) | undefined;
  /** Ends what is under way, digesting included. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads members in one pass, whatever their order. What is large goes into the blob store at once.
 * @throws `ARCHIVE_INVALID`; `DIGEST_MISMATCH` when a blob is not what its name says
 */
export async function stageMembers(
  members: AsyncIterable<ExtractedMember>,
  options: StageOptions,
): Promise<StagedMembers> {
  await using staging = new Staging(options);
  let count = 0;
  for await (const member of members) {
    count += 1;
    if (count > MEMBER_LIMIT) throw archiveInvalid(`it has more than ${MEMBER_LIMIT} members`);
    await staging.add(member);
  }
  return await staging.finish();
}

/** The members of a tar archive. @throws `ARCHIVE_INVALID`; errors of `source` as they are */
export async function* tarMembers(source: AsyncIterable<Uint8Array>): AsyncGenerator<ExtractedMember, void, undefined> {
  const watched = watch(source);
  for await (const member of extractArchive(watched.bytes)) yield { ...member, body: bodyOf(member, watched) };
}

interface Watched {
  readonly bytes: AsyncIterable<Uint8Array>;
  failure: unknown;
}

function watch(source: AsyncIterable<Uint8Array>): Watched {
  const watched: Watched = { bytes: read(), failure: undefined };
  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* source;
    } catch (error) {
      watched.failure = error;
      throw error;
    }
  }
  return watched;
}

/** Within a member, the end of an archive that is cut off is an error of tar-stream's; one of the source stays what it is. */
async function* bodyOf({ body }: ExtractedMember, source: Watched): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of body) yield chunk;
  } catch (error) {
    if (source.failure !== undefined || isTsbuildError(error)) throw error;
    throw archiveInvalid('it is cut off', { cause: error });
  }
}

class Members implements StagedMembers {
  readonly #members = new Map<string, StagedMember>();
  readonly #links = new Map<string, string>();

  get names(): readonly string[] {
    return [...this.#members.keys()];
  }

  get(name: string): StagedMember | undefined {
    return this.#members.get(name) ?? this.#members.get(this.#links.get(name) ?? '');
  }

  link(name: string, target: string | undefined): void {
    this.#members.delete(name);
    if (target !== undefined) this.#links.set(name, target);
  }

  /** Of two members of one name, programs take one or the other: what is checked must be what is used. */
  put(name: string, member: StagedMember): void {
    this.#links.delete(name);
    const earlier = this.#members.get(name);
    if (earlier !== undefined && earlier.digest !== member.digest) {
      throw archiveInvalid(`it has two different members "${name.slice(0, 200)}"`, {
        hint: 'Load archives one at a time: several files are taken for the parts of one.',
      });
    }
    this.#members.set(name, member);
  }
}

/** While the end of one large member is digested and synced, the next is read. Disposing of it waits for what is under way. */
class Staging implements AsyncDisposable {
  readonly #options: StageOptions;
  readonly #members = new Members();
  #existing: ReadonlySet<Digest> | undefined;
  #inMemory = 0;
  /** All members that have been added are in `#members`, in their order. */
  #done = Promise.resolve();
  /** As `#done`, before the last of the large members. */
  #doneBefore = Promise.resolve();

  constructor(options: StageOptions) {
    this.#options = options;
  }

  /** Is done when the member has been read. */
  async add(member: ExtractedMember): Promise<void> {
    const name = normalizeMemberName(member.name);
    if (member.type === 'file') {
      await this.#stage(name, member);
    } else if (member.type === 'symlink' || member.type === 'hardlink') {
      const link = { name, symbolic: member.type === 'symlink' };
      const target = resolveLinkName(link, member.linkName ?? '');
      this.#after(Promise.resolve(target), (found) => {
        this.#members.link(name, found);
      });
    }
  }

  /** @throws what a member failed with that was read before */
  async finish(): Promise<StagedMembers> {
    await this.#done;
    return this.#members;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#done.catch(() => undefined);
  }

  /** Puts what `staged` gives in its turn, once it is there. */
  #after<T>(staged: Promise<T>, put: (value: T) => void): void {
    this.#done = inTurn(this.#done, staged).then(put);
    // Whoever waits for it gets the failure.
    this.#done.catch(() => undefined);
  }

  async #stage(name: string, { size, body }: ExtractedMember): Promise<void> {
    const digest = digestInName(name);
    const isContents = CONTENTS.has(name);
    if (isContents && size > CONTENTS_LIMIT) throw archiveInvalid(`its "${name}" has ${size} bytes`);
    if (!isContents && (size > SMALL || this.#inMemory + size > MEMORY_LIMIT)) {
      await this.#stageLarge(name, body, { digest, size });
      return;
    }
    if (!isContents) this.#inMemory += size;
    const staged = inMemory(body, { digest, size });
    this.#put(name, staged);
    await staged;
  }

  /** One at a time is read, and another is finished. */
  async #stageLarge(name: string, body: AsyncIterable<Uint8Array>, expected: Expected): Promise<void> {
    await this.#doneBefore;
    const { bytes, end } = endOf(body);
    const stored = this.#inStore(bytes, expected);
    this.#doneBefore = this.#done;
    this.#put(name, stored);
    await Promise.race([end, stored]);
  }

  #put(name: string, staged: Promise<StagedMember>): void {
    this.#after(staged, (member) => {
      this.#members.put(name, member);
    });
  }

  async #inStore(body: AsyncIterable<Uint8Array>, { digest, size }: Expected): Promise<StagedMember> {
    const { blobs, onStored } = this.#options;
    const start = createStart();
    const bytes = start.watch(body);
    let blob = digest === undefined ? undefined : { digest, size };
    if (blob !== undefined && (await blobs.size(blob.digest)) === size) {
      // The store has the right bytes; an archive with others is damaged all the same.
      for await (const _chunk of verifyBytes(bytes, blob));
    } else {
      blob = await this.#ingest(bytes, { start, expect: blob ?? { size } });
    }
    const member = { ...blob, magic: start.bytes(), bytes: undefined };
    onStored?.(member);
    return member;
  }

  async #ingest(bytes: AsyncIterable<Uint8Array>, { start, expect }: Ingesting): Promise<BlobInfo> {
    const { blobs, indexes, added, signal } = this.#options;
    const existing = await this.#existingBlobs();
    const indexer = indexes === undefined ? undefined : new TarReadingIndexer();
    const isTar = (): boolean => layerCompression(start.bytes()) === 'none';
    const blob = await blobs.ingest(
      observed(bytes, (chunk) => {
        if (isTar()) indexer?.push(chunk);
      }),
      { expect, signal },
    );
    if (existing.has(blob.digest)) return blob;
    added.add(blob.digest);
    const index = isTar() ? indexer?.finish(blob.digest) : undefined;
    if (index !== undefined) await indexes?.save(blob.digest, { bytes: index, blob: blob.digest, isFileRead: true });
    return blob;
  }

  /** As they were before the first member was stored. */
  async #existingBlobs(): Promise<ReadonlySet<Digest>> {
    if (this.#existing === undefined) {
      const existing = new Set<Digest>();
      for await (const { digest } of this.#options.blobs.list()) existing.add(digest);
      this.#existing = existing;
    }
    return this.#existing;
  }
}

/** What came later, but not before what came earlier; when that failed, this is waited for as well. */
async function inTurn<T>(earlier: Promise<void>, later: Promise<T>): Promise<T> {
  await Promise.allSettled([earlier, later]);
  await earlier;
  return await later;
}

interface Ending {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Is done when all of the bytes have been taken. Never fails. */
  readonly end: Promise<void>;
}

function endOf(source: AsyncIterable<Uint8Array>): Ending {
  let ended = (): void => undefined;
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* source;
    ended();
  }
  return { bytes: bytes(), end };
}

interface Ingesting {
  readonly start: Start;
  readonly expect: { readonly digest?: Digest; readonly size: number };
}

interface Expected {
  readonly digest: Digest | undefined;
  readonly size: number;
}

async function inMemory(body: AsyncIterable<Uint8Array>, expected: Expected): Promise<StagedMember> {
  const bytes = await collect(body, expected.size);
  const verifier = createVerifier(expected);
  verifier.update(bytes);
  return { ...verifier.finish(), magic: bytes.subarray(0, MAGIC_LENGTH), bytes };
}

/** In an OCI layout a name promises a digest (image-spec image-layout.md, "Blobs"). */
function digestInName(name: string): Digest | undefined {
  const [folder, algorithm = '', hex = '', ...more] = name.split('/');
  const text = `${algorithm}:${hex}`;
  return folder === 'blobs' && more.length === 0 && isDigest(text) ? text : undefined;
}

interface Start {
  watch(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  bytes(): Buffer;
}

/** Remembers how a stream begins: that is how compressions are told apart. */
function createStart(): Start {
  let start: Buffer = Buffer.alloc(0);
  return {
    async *watch(source) {
      for await (const chunk of source) {
        if (start.length < MAGIC_LENGTH) start = Buffer.concat([start, chunk.subarray(0, MAGIC_LENGTH - start.length)]);
        yield chunk;
      }
    },
    bytes: () => start,
  };
}

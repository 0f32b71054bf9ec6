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
}

/**
 * Reads members in one pass, whatever their order. What is large goes into the blob store at once.
 * @throws `ARCHIVE_INVALID`; `DIGEST_MISMATCH` when a blob is not what its name says
 */
export async function stageMembers(
  members: AsyncIterable<ExtractedMember>,
  options: StageOptions,
): Promise<StagedMembers> {
  const staging = new Staging(options);
  let count = 0;
  for await (const member of members) {
    count += 1;
    if (count > MEMBER_LIMIT) throw archiveInvalid(`it has more than ${MEMBER_LIMIT} members`);
    await staging.add(member);
  }
  return staging;
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

class Staging implements StagedMembers {
  readonly #options: StageOptions;
  readonly #members = new Map<string, StagedMember>();
  readonly #links = new Map<string, string>();
  #existing: ReadonlySet<Digest> | undefined;
  #inMemory = 0;

  constructor(options: StageOptions) {
    this.#options = options;
  }

  get names(): readonly string[] {
    return [...this.#members.keys()];
  }

  get(name: string): StagedMember | undefined {
    return this.#members.get(name) ?? this.#members.get(this.#links.get(name) ?? '');
  }

  async add(member: ExtractedMember): Promise<void> {
    const name = normalizeMemberName(member.name);
    if (member.type === 'file') {
      this.#links.delete(name);
      this.#put(name, await this.#stage(name, member));
    } else if (member.type === 'symlink' || member.type === 'hardlink') {
      const link = { name, symbolic: member.type === 'symlink' };
      const target = resolveLinkName(link, member.linkName ?? '');
      this.#members.delete(name);
      if (target !== undefined) this.#links.set(name, target);
    }
  }

  /** Of two members of one name, programs take one or the other: what is checked must be what is used. */
  #put(name: string, member: StagedMember): void {
    const earlier = this.#members.get(name);
    if (earlier !== undefined && earlier.digest !== member.digest) {
      throw archiveInvalid(`it has two different members "${name.slice(0, 200)}"`, {
        hint: 'Load archives one at a time: several files are taken for the parts of one.',
      });
    }
    this.#members.set(name, member);
  }

  async #stage(name: string, { size, body }: ExtractedMember): Promise<StagedMember> {
    const digest = digestInName(name);
    if (CONTENTS.has(name)) {
      if (size > CONTENTS_LIMIT) throw archiveInvalid(`its "${name}" has ${size} bytes`);
      return await inMemory(body, { digest, size });
    }
    if (size > SMALL || this.#inMemory + size > MEMORY_LIMIT) return await this.#inStore(body, { digest, size });
    this.#inMemory += size;
    return await inMemory(body, { digest, size });
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
    const { blobs, indexes, added } = this.#options;
    const existing = await this.#existingBlobs();
    const indexer = indexes === undefined ? undefined : new TarReadingIndexer();
    const isTar = (): boolean => layerCompression(start.bytes()) === 'none';
    const blob = await blobs.ingest(
      observed(bytes, (chunk) => {
        if (isTar()) indexer?.push(chunk);
      }),
      { expect },
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

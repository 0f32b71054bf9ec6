import { pipeline } from 'node:stream/promises';
import { extract, pack, type Extract, type Header, type Pack } from 'tar-stream';
import { TsbuildError } from '../../support/errors.js';
import { ArchiveFault } from './archive-fault.js';

/** One member of an archive to write. A name that ends in a slash is a directory. */
export interface ArchiveMember {
  readonly name: string;
  /** Bytes of `body`, exactly; 0 for a directory. */
  readonly size: number;
  /** Permission bits; 0644 for a file and 0755 for a directory unless given. */
  readonly mode?: number;
  /** Chunks are kept until they are read: a producer must not use their memory again. */
  readonly body: AsyncIterable<Uint8Array> | Uint8Array;
}

/** One member of an archive that is read. Names are text as the archive has them: neither normalized nor checked. */
export interface ExtractedMember {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  readonly linkName?: string;
  /** Bytes of content. */
  readonly size: number;
  /** Read it at most once, before the next member is asked for; what is left of it then is passed over. */
  readonly body: AsyncIterable<Uint8Array>;
}

const EPOCH = new Date(0);

/**
 * A tar archive around other files (what save writes), the same bytes for the same members: no times, owner 0:0.
 * For layers, which need names, owners and attributes without loss, there is `writeTar`.
 */
export async function* packArchive(entries: AsyncIterable<ArchiveMember>): AsyncGenerator<Uint8Array, void, undefined> {
  const archive = pack();
  const packing = packAll(archive, entries).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error('the members cannot be read', { cause: error }));
  });
  try {
    yield* byteChunks(archive);
  } finally {
    archive.destroy();
    await packing;
  }
}

async function packAll(archive: Pack, entries: AsyncIterable<ArchiveMember>): Promise<void> {
  for await (const entry of entries) {
    // Whoever stopped reading the archive destroyed it.
    if (archive.destroyed) return;
    await packMember(archive, entry);
  }
  archive.finalize();
}

async function packMember(archive: Pack, { name, size, mode, body }: ArchiveMember): Promise<void> {
  const directory = name.endsWith('/');
  const sink = archive.entry({
    name,
    type: directory ? 'directory' : 'file',
    size,
    mode: mode ?? (directory ? 0o755 : 0o644),
    uid: 0,
    gid: 0,
    mtime: EPOCH,
  });
  // A streamx stream has all that pipeline() asks of a Node stream; its types do not say so.
  await pipeline(body instanceof Uint8Array ? [body] : body, sink as unknown as NodeJS.WritableStream);
}

/**
 * The members of a tar archive, in order.
 * @throws `ArchiveFault` when it is no tar archive, or ends before its end marker; errors of `source` as they are
 */
export async function* extractArchive(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<ExtractedMember, void, undefined> {
  const archive = extract();
  const feed: Feed = { ended: false, failure: undefined };
  const feeding = feedAll(archive, source, feed);
  try {
    for await (const member of archive) {
      const chunks = byteChunks(member)[Symbol.asyncIterator]();
      // Without a return(): a reader that stops early would destroy the member, and the whole archive with it.
      const body = { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) };
      yield describe(member.header, body);
      // tar-stream goes on only when a member has been read to its end.
      while ((await chunks.next()).done !== true);
    }
  } catch (error) {
    throw feed.failure ?? (feed.ended ? invalid('it ends before its end marker', error) : asInvalid(error));
  } finally {
    archive.destroy();
    await feeding;
  }
}

interface Feed {
  /** All of the source has been written: an error from now on is about its end. */
  ended: boolean;
  /** What made the source fail. */
  failure: Error | undefined;
}

/** Never rejects: what goes wrong destroys the archive, and its reader throws it. */
async function feedAll(archive: Extract, source: AsyncIterable<Uint8Array>, feed: Feed): Promise<void> {
  let tail: Uint8Array = new Uint8Array(0);
  try {
    for await (const chunk of source) {
      if (archive.destroyed) return;
      if (chunk.byteLength > 0) tail = chunk.byteLength < BLOCK ? Buffer.concat([tail, chunk]).subarray(-BLOCK) : chunk;
      if (!archive.write(chunk)) await drained(archive);
    }
    feed.ended = true;
    // tar-stream notices an archive cut off within a member, but not one cut off between two.
    if (endsInZeros(tail)) archive.end(null);
    else archive.destroy(new Error('no end marker'));
  } catch (error) {
    feed.failure = error instanceof Error ? error : new Error('the archive cannot be read', { cause: error });
    archive.destroy(feed.failure);
  }
}

const BLOCK = 512;

function endsInZeros(bytes: Uint8Array): boolean {
  return bytes.byteLength >= BLOCK && bytes.subarray(-BLOCK).every((byte) => byte === 0);
}

function drained(archive: Extract): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      archive.off('drain', done);
      archive.off('close', done);
      resolve();
    };
    archive.on('drain', done);
    archive.on('close', done);
  });
}

/** The types of streamx leave open what its streams carry. */
function byteChunks(stream: AsyncIterable<unknown>): AsyncIterable<Uint8Array> {
  return stream as AsyncIterable<Uint8Array>;
}

function describe(header: Header, body: AsyncIterable<Uint8Array>): ExtractedMember {
  const { name, size, linkname } = header as Omit<Header, 'linkname'> & { readonly linkname: string | null };
  if (!Number.isSafeInteger(size) || size < 0) throw invalid(`the size of its member "${name}" is malformed`);
  return { name, type: memberType(header.type), size, body, ...(linkname === null ? {} : { linkName: linkname }) };
}

function memberType(type: Header['type']): ExtractedMember['type'] {
  switch (type) {
    case 'file':
    case 'contiguous-file':
      return 'file';
    case 'directory':
    case 'symlink':
      return type;
    case 'link':
      return 'hardlink';
    default:
      return 'other';
  }
}

function asInvalid(error: unknown): unknown {
  return error instanceof TsbuildError ? error : invalid('it is no tar archive, or it is damaged', error);
}

function invalid(state: string, cause?: unknown): ArchiveFault {
  return new ArchiveFault(state, {
    hint: 'Make the archive again, or fetch it again: the copy at hand is incomplete or no archive at all.',
    cause,
  });
}

import { byteString, type ByteString } from '../../support/byte-string.js';
import { ROOT } from '../../support/byte-path.js';
import type { EntryType, TarEntry } from '../tar-entry.js';
import { decodeHeader, isZeroBlock, type TarHeader } from './decode-header.js';
import { parsePaxRecords, type PaxRecords } from './pax.js';
import { BLOCK, invalidTar, MAX_PATH, paddingOf, TYPE_FLAGS } from './tar-format.js';

export type TarEvent =
  | { readonly kind: 'entry'; readonly entry: TarEntry }
  /** Some of the content of the file that was the last entry. Valid until the next event is asked for. */
  | { readonly kind: 'content'; readonly bytes: Uint8Array }
  /** The content is complete. Follows the entry and content of every file, empty ones too, and of nothing else. */
  | { readonly kind: 'end' };

type State = 'header' | 'meta' | 'content' | 'padding' | 'done';

const MAX_META = 1 << 20;
const MAX_ENTRIES = 5_000_000;
const MAX_ID = 2 ** 32 - 2;
const END: TarEvent = { kind: 'end' };

const ENTRY_TYPES: ReadonlyMap<string, EntryType> = new Map([
  ...Object.entries(TYPE_FLAGS).map(([type, flag]) => [flag, type as EntryType] as const),
  ['\0', 'file'],
  // "Contiguous" files are files everywhere.
  ['7', 'file'],
]);

/**
 * A tar archive, cut into chunks anywhere, to a sequence of events. Synchronous: who writes files by synchronous calls need not
 * wait between them. Reads ustar, PAX and GNU; names and extended attributes stay bytes.
 *
 * What is after the end marker is passed over. Every method @throws `LAYER_INVALID`.
 */
export class TarParser {
  #state: State = 'header';
  #partial: Buffer[] = [];
  #partialSize = 0;
  /** Bytes left of the content or padding. */
  #remaining = 0;
  #padding = 0;
  #meta: TarHeader | undefined;
  #pax: PaxRecords | undefined;
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;
  #sawZeroBlock = false;
  #entries = 0;
  readonly #maxEntries: number;

  constructor(options: { readonly maxEntries?: number } = {}) {
    this.#maxEntries = options.maxEntries ?? MAX_ENTRIES;
  }

  *push(chunk: Uint8Array): Generator<TarEvent, void, undefined> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'content') {
        const part = bytes.subarray(at, at + this.#remaining);
        at += part.length;
        this.#remaining -= part.length;
        yield { kind: 'content', bytes: part };
        if (this.#remaining === 0) {
          this.#skipPadding();
          yield END;
        }
      } else if (this.#state === 'padding') {
        const skipped = Math.min(this.#remaining, bytes.length - at);
        at += skipped;
        this.#remaining -= skipped;
        if (this.#remaining === 0) this.#state = 'header';
      } else {
        const size = this.#state === 'meta' ? (this.#meta?.size ?? 0) : BLOCK;
        const wanted = size - this.#partialSize;
        const whole = this.#gather(bytes.subarray(at, at + wanted), size);
        at += Math.min(wanted, bytes.length - at);
        if (whole !== undefined) yield* this.#state === 'meta' ? this.#readMeta(whole) : this.#readHeader(whole);
      }
    }
  }

  /** To be called when there are no more chunks. @throws `LAYER_INVALID` when the archive ends within an entry */
  finish(): void {
    // Like Go's and GNU's, this reader does without an end marker.
    const between = this.#state === 'header' && this.#partialSize === 0 && !this.#hasMeta();
    if (this.#state !== 'done' && !between) throw invalidTar('it is cut off');
  }

  /** Bytes of content still to come: a reader that can seek need not read them, and says so by `skip`. */
  get pendingContent(): number {
    return this.#state === 'content' ? this.#remaining : 0;
  }

  /** Passes over the pending content, as if it had been pushed; no more events of the file follow. */
  skip(): void {
    if (this.#state === 'content') this.#skipPadding();
  }

  #hasMeta(): boolean {
    return this.#pax !== undefined || this.#longName !== undefined || this.#longLink !== undefined;
  }

  /** A block or extended header as one buffer, or `undefined` while some of it is missing. */
  #gather(part: Buffer, size: number): Buffer | undefined {
    if (this.#partialSize === 0 && part.length === size) return part;
    // A copy: the chunk's memory is the source's again after this call.
    this.#partial.push(Buffer.from(part));
    this.#partialSize += part.length;
    if (this.#partialSize < size) return undefined;
    const whole = Buffer.concat(this.#partial);
    this.#partial = [];
    this.#partialSize = 0;
    return whole;
  }

  #skipPadding(): void {
    this.#remaining = this.#padding;
    this.#state = this.#padding > 0 ? 'padding' : 'header';
  }

  *#readHeader(block: Buffer): Generator<TarEvent, void, undefined> {
    if (isZeroBlock(block)) {
      if (this.#hasMeta()) throw invalidTar('an extended header is followed by no entry');
      if (this.#sawZeroBlock) this.#state = 'done';
      this.#sawZeroBlock = true;
      return;
    }
    if (this.#sawZeroBlock) throw invalidTar('an entry follows the end marker');
    const header = decodeHeader(block);
    if ('xgLK'.includes(header.typeFlag)) this.#beginMeta(header);
    else yield* this.#beginEntry(header);
  }

  /** Extended headers have the size that their own header says, whatever another before them said about the entry. */
  #beginMeta(header: TarHeader): void {
    if (header.size > MAX_META) throw invalidTar('an extended header is longer than 1 MiB');
    this.#meta = header;
    this.#padding = paddingOf(header.size);
    if (header.size > 0) this.#state = 'meta';
  }

  *#readMeta(bytes: Buffer): Generator<TarEvent, void, undefined> {
    switch (this.#meta?.typeFlag) {
      case 'x':
        this.#pax = parsePaxRecords(bytes);
        break;
      case 'L':
        this.#longName = untilNul(bytes);
        break;
      case 'K':
        this.#longLink = untilNul(bytes);
        break;
      default:
      // Global headers: git writes a comment there. Applied to what follows they would let one entry rename the others.
    }
    this.#skipPadding();
  }

  *#beginEntry(header: TarHeader): Generator<TarEvent, void, undefined> {
    if (++this.#entries > this.#maxEntries) throw invalidTar(`it has more than ${this.#maxEntries} entries`);
    const entry = this.#entryOf(header);
    this.#pax = this.#longName = this.#longLink = undefined;
    yield { kind: 'entry', entry };
    if (entry.type !== 'file') return;
    this.#remaining = entry.size;
    this.#padding = paddingOf(entry.size);
    this.#state = 'content';
    if (entry.size === 0) {
      this.#skipPadding();
      yield END;
    }
  }

  /** PAX beats GNU beats ustar, in whatever order the extended headers came. */
  #entryOf(header: TarHeader): TarEntry {
    const linkName = this.#pax?.linkTarget ?? this.#longLink ?? header.linkName;
    return toEntry({ ...header, name: this.#longName ?? header.name, linkName }, this.#pax ?? NO_PAX);
  }
}

const NO_PAX: PaxRecords = { xattrs: new Map() };

function toEntry(header: TarHeader, pax: PaxRecords): TarEntry {
  const name = pax.path ?? header.name;
  const type = entryType(header, name);
  const [uid, gid] = [pax.uid ?? header.uid, pax.gid ?? header.gid];
  if (uid > MAX_ID || gid > MAX_ID) throw invalidTar('its owner is no 32-bit number', name);
  return {
    path: normalizePath(name),
    type,
    mode: header.mode & 0o7777,
    uid,
    gid,
    size: type === 'file' ? (pax.size ?? header.size) : 0,
    mtime: pax.mtime ?? { seconds: header.mtime, nanoseconds: 0 },
    xattrs: pax.xattrs,
    ...linkFields(type, name, header.linkName),
    ...(type.endsWith('-device') ? { device: { major: header.major, minor: header.minor } } : {}),
  };
}
function entryType({ typeFlag }: TarHeader, name: ByteString): EntryType {
  // Before ustar there was no type for directories.
  if (typeFlag === '\0' && name.endsWith('/')) return 'directory';
  const type = ENTRY_TYPES.get(typeFlag);
  if (type !== undefined) return type;
  if (typeFlag === 'S') {
    throw invalidTar('it is a sparse file, which layers may not hold (image-spec layer.md, "Sparse files")', name);
  }
  throw invalidTar(`its type ${JSON.stringify(typeFlag)} is unknown`, name);
}

function linkFields(type: EntryType, name: ByteString, target: ByteString): { readonly linkTarget?: ByteString } {
  if (type !== 'symlink' && type !== 'hardlink') return {};
  if (target === '' || target.length >= MAX_PATH) throw invalidTar('the target of its link is empty or too long', name);
  return { linkTarget: type === 'symlink' ? target : normalizePath(target) };
}

const ODD_COMPONENT = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** Absolute names are meant below the root, as every engine has it. `..` has no good reason to be there, and is refused. */
function normalizePath(name: ByteString): ByteString {
  if (name.length > MAX_PATH) throw invalidTar(`its name is longer than ${MAX_PATH} bytes`, name);
  if (name === '') throw invalidTar('an entry has no name');
  if (!ODD_COMPONENT.test(name)) return name;
  const components = name.split('/').filter((component) => component !== '' && component !== '.');
  if (components.includes('..')) throw invalidTar('its name leads out of the root', name);
  return components.length === 0 ? ROOT : (components.join('/') as ByteString);
}

function untilNul(bytes: Buffer): ByteString {
  const end = bytes.indexOf(0);
  return byteString(end === -1 ? bytes : bytes.subarray(0, end));
}

import { decodeConfig, decodeManifest } from '../../oci/decode.js';
import type { Descriptor } from '../../oci/descriptor.js';
import type { RawConfig, RawManifest } from '../../oci/image.js';
import type { ManifestMediaType } from '../../oci/media-type.js';
import { formatReference, sameRepository, type Reference } from '../../oci/reference.js';
import { writeFileAtomic } from '../../support/atomic-file.js';
import { underFileLock } from '../../support/file-lock.js';
import type { BlobReader } from '../blob-store.js';
import type { ImageStore, StoredImage } from '../image-store.js';
import { entryOfImage, formatLayoutIndex, readLayoutIndex, type IndexEntry, type LayoutIndex } from './layout-index.js';
import { layout, sharedModes } from '../layout.js';
import { onStore } from '../store-error.js';

/** The names in `index.json`, beside which other tools may have put theirs: those are kept as they are. */
export class OciImageStore implements ImageStore {
  readonly #root: string;
  readonly #blobs: BlobReader;

  constructor(root: string, blobs: BlobReader) {
    this.#root = root;
    this.#blobs = blobs;
  }

  async list(): Promise<readonly StoredImage[]> {
    const { entries } = await this.#read();
    return entries.flatMap(({ image }) => (image === undefined ? [] : [image]));
  }

  async find(name: Reference): Promise<StoredImage | undefined> {
    const images = await this.list();
    const { tag, digest } = name;
    if (digest === undefined) {
      return images.find((image) => image.name !== null && image.name.tag === tag && sameRepository(image.name, name));
    }
    const found = images.filter((image) =>
      [image.descriptor.digest, image.resolved, image.index?.digest].includes(digest),
    );
    // Under whatever name: the digest says what it is.
    return found.find((image) => image.name !== null && sameRepository(image.name, name)) ?? found[0];
  }

  async put(image: StoredImage): Promise<boolean> {
    return await this.#update((entries) =>
      image.name === null ? withUnnamed(entries, image) : withNamed(entries, image),
    );
  }

  async remove(image: StoredImage): Promise<boolean> {
    return await this.#update((entries) => entries.filter((entry) => !isEntryOf(entry, image)));
  }

  async manifest(descriptor: Descriptor<ManifestMediaType>): Promise<RawManifest> {
    return decodeManifest(await this.#blobs.read(descriptor), descriptor);
  }

  async config(manifest: RawManifest): Promise<RawConfig> {
    const descriptor = manifest.value.config;
    return decodeConfig(await this.#blobs.read(descriptor), descriptor);
  }

  async #read(): Promise<LayoutIndex> {
    return await onStore('read the names of images', this.#root, () => readLayoutIndex(this.#root));
  }

  /** Looks first, so that a change that changes nothing needs neither the lock nor the system calls behind it. */
  async #update(change: (entries: readonly IndexEntry[]) => readonly IndexEntry[]): Promise<boolean> {
    if (changed(await this.#read(), change) === undefined) return false;
    return await onStore('write the names of images', this.#root, async () => {
      return await underFileLock(layout.lock(this.#root, 'names'), async () => {
        const text = changed(readLayoutIndex(this.#root), change);
        if (text !== undefined) {
          await writeFileAtomic(layout.index(this.#root), text, { mode: sharedModes(this.#root).file });
        }
        return text !== undefined;
      });
    });
  }
}

function changed(
  index: LayoutIndex,
  change: (entries: readonly IndexEntry[]) => readonly IndexEntry[],
): string | undefined {
  const text = formatLayoutIndex({ ...index, entries: change(index.entries) });
  return text === formatLayoutIndex(index) ? undefined : text;
}

function withNamed(entries: readonly IndexEntry[], given: StoredImage): readonly IndexEntry[] {
  const image = { ...given, ...indexKept(entries, given) };
  const entry = entryOfImage(image);
  const kept = entries.filter((other) => other.label !== entry.label && !isNamelessTwin(other, image));
  // An image that loses its name to another stays, for somebody may use it by its digest.
  const losers = entries
    .filter((other) => other.label === entry.label)
    .flatMap((other) => other.image ?? [])
    .filter((loser) => loser.index === undefined || loser.index.digest !== image.index?.digest);
  return losers.reduce<readonly IndexEntry[]>(
    (all, loser) => withUnnamed(all, { ...loser, name: null }),
    [...kept, entry],
  );
}

/** That a name stands for a whole index stays true when an image is resolved from this index once more. */
function indexKept(entries: readonly IndexEntry[], image: StoredImage): Pick<StoredImage, 'index'> {
  if (image.index !== undefined || image.resolved === undefined) return {};
  const label = entryOfImage(image).label;
  const before = entries.find((entry) => entry.label === label)?.image?.index;
  return before?.digest === image.resolved ? { index: before } : {};
}

function withUnnamed(entries: readonly IndexEntry[], image: StoredImage): readonly IndexEntry[] {
  const { digest } = image.descriptor;
  const known = entries.flatMap((entry) => (entry.image?.descriptor.digest === digest ? [entry.image] : []));
  if (known.some((other) => saysAsMuch(other, image))) return entries;
  return [...entries.filter((entry) => !isNamelessTwin(entry, image)), entryOfImage(image)];
}

/** Whether an entry has no name, and says nothing that the image does not say. */
function isNamelessTwin({ image, label }: IndexEntry, other: StoredImage): boolean {
  if (label !== undefined || image?.descriptor.digest !== other.descriptor.digest) return false;
  return saysAsMuch(other, image);
}

/** Whether all that `image` says beside its name, `other` says too. */
function saysAsMuch(other: StoredImage, { resolved, index }: StoredImage): boolean {
  const sameOrigin = resolved === undefined || resolved === other.resolved;
  return sameOrigin && (index === undefined || index.digest === other.index?.digest);
}

function isEntryOf(entry: IndexEntry, { name, descriptor }: StoredImage): boolean {
  if (entry.image?.descriptor.digest !== descriptor.digest) return false;
  const entryName = entry.image.name;
  if (name === null || entryName === null) return name === entryName;
  return formatReference(name) === formatReference(entryName);
}

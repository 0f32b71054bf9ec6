import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { CopyContext } from './transfer/copy-between.js';
import type { ImageFiles } from '../layers/compare/image-files.js';
import { compareFiles, type ChangedFile } from '../layers/compare/compare-files.js';
import { readSmallFiles, type SmallFilesOptions } from '../layers/compare/small-files.js';
import { ContentElsewhereError } from '../layers/index/content-elsewhere.js';
import { LayerTrees } from '../layers/index/layer-trees.js';
import { makeIndexes } from '../layers/index/make-indexes.js';
import { NodesTree } from '../layers/index/nodes-tree.js';
import { decodeIndex, layersOf } from '../oci/decode.js';
import type { Descriptor } from '../oci/descriptor.js';
import type { RawConfig, RawManifest } from '../oci/image.js';
import type { Layer } from '../oci/layer.js';
import { isManifestMediaType, type ManifestMediaType } from '../oci/media-type.js';
import { formatPlatform, parsePlatform, platformSatisfies, type Platform } from '../oci/platform.js';
import { listPlatforms, selectPlatform } from '../oci/select-platform.js';
import { formatImageLocation, type ImageLocation } from '../registry/copy/image-location.js';
import type { BlobReader } from '../store/blob-store.js';
import { findImage } from '../store/images/find-image.js';
import type { StoredImage } from '../store/image-store.js';
import { openStore, type OpenStore } from '../store/open-store.js';
import type { Store, StoreLock } from '../store/store.js';
import type { ByteString } from '../support/byte-string.js';
import { TsbuildError } from '../support/errors.js';
import { removeTree } from '../support/files.js';

type Context = Omit<CopyContext, 'platforms'>;

export interface WantedImage {
  readonly location: ImageLocation;
  /** `os/architecture[/variant]`; absent: what the name stands for in the store, elsewhere this machine's. */
  readonly platform: string | undefined;
}

/**
 * Writes nothing into the store but indexes of layers. An image that is elsewhere comes into a store of its own, which goes when this
 * is disposed of.
 * @throws `IMAGE_NOT_FOUND`, `PLATFORM_NOT_FOUND`; what copying does, where the image is elsewhere
 */
export async function openImageFiles(wanted: WantedImage, context: Context): Promise<ImageFiles> {
  const place = await placeOf(wanted, context);
  try {
    const { store, name } = place;
    const { image } = await findImage(store.images, name);
    const documents = await documentsOf(image, wanted, store);
    return new PlacedFiles({ documents, wanted, place, context: { ...context, store } });
  } catch (error) {
    await place[Symbol.asyncDispose]();
    throw error;
  }
}

interface Placed {
  readonly documents: Documents;
  readonly wanted: WantedImage;
  readonly place: Place;
  readonly context: Context;
}

class PlacedFiles implements ImageFiles {
  readonly manifest: RawManifest;
  readonly config: RawConfig;
  readonly layers: readonly Layer[];
  readonly blobs: ImageFiles['blobs'];
  readonly #placed: Placed;
  #trees: Promise<readonly NodesTree[]> | undefined;

  constructor(placed: Placed) {
    this.#placed = placed;
    this.manifest = placed.documents.manifest;
    this.config = placed.documents.config;
    this.layers = layersOf(placed.documents.manifest, placed.documents.config);
    this.blobs = placed.place.store.blobs;
  }

  async trees(): Promise<readonly NodesTree[]> {
    const { wanted, context } = this.#placed;
    return await (this.#trees ??= openTrees(this.layers, wanted, context));
  }

  async compare(after: ImageFiles, { times }: { readonly times: boolean }): Promise<readonly ChangedFile[]> {
    const other = lastOf(await after.trees());
    const { signal } = this.#placed.context;
    return await compareFiles(lastOf(await this.trees()), other, {
      times,
      signal,
      blobs: eitherOf(this.blobs, after.blobs),
    });
  }

  async read(paths: readonly ByteString[], options: SmallFilesOptions): Promise<ReadonlyMap<ByteString, Buffer>> {
    const { signal } = this.#placed.context;
    return await readSmallFiles(lastOf(await this.trees()), paths, { ...options, signal, blobs: this.blobs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#placed.place[Symbol.asyncDispose]();
  }
}

function lastOf(trees: readonly NodesTree[]): NodesTree {
  return trees.at(-1) ?? new NodesTree([]);
}

function eitherOf(first: ImageFiles['blobs'], second: ImageFiles['blobs']): Pick<BlobReader, 'open'> {
  return { open: async (blob) => await ((await first.has(blob.digest)) ? first : second).open(blob) };
}

/** The store that has an image, and what it is called there. */
interface Place extends AsyncDisposable {
  readonly store: Store;
  readonly name: string;
}

async function placeOf({ location, platform }: WantedImage, context: Context): Promise<Place> {
  const { signal, store } = context;
  if (location.transport === 'store') {
    const lock = await store.lock('shared', { signal });
    return { store, name: location.name, [Symbol.asyncDispose]: () => released(lock) };
  }
  const root = await mkdtemp(join(store.temporaryDirectory, 'passing-'));
  let passing: OpenStore | undefined;
  const dispose = async (): Promise<void> => {
    passing?.[Symbol.dispose]();
    await removeTree(root);
  };
  try {
    // What the store has of it is not fetched.
    passing = await openStore(root, { additional: [store.root, ...store.additionalRoots] });
    const { copyBetween } = await import('./transfer/copy-between.js');
    const platforms = platform === undefined ? undefined : [platform];
    await copyBetween(location, { transport: 'store', name: PASSING }, { ...context, store: passing, platforms });
  } catch (error) {
    await dispose();
    throw error;
  }
  return { store: passing, name: PASSING, [Symbol.asyncDispose]: dispose };
}

const PASSING = 'passing.invalid/image:latest';

function released(lock: StoreLock): Promise<void> {
  lock[Symbol.dispose]();
  return Promise.resolve();
}

interface Documents {
  readonly manifest: RawManifest;
  readonly config: RawConfig;
}

async function documentsOf(
  image: StoredImage,
  { location, platform }: WantedImage,
  { images, blobs }: Pick<Store, 'images' | 'blobs'>,
): Promise<Documents> {
  const wanted = platform === undefined ? undefined : parsePlatform(platform);
  const chosen = wanted === undefined || image.index === undefined ? undefined : await fromIndex(image, wanted, blobs);
  const manifest = await images.manifest(chosen ?? image.descriptor);
  const config = await images.config(manifest);
  if (wanted === undefined || platformSatisfies(config.value, wanted)) return { manifest, config };
  const what = formatImageLocation(location);
  throw new TsbuildError(
    'PLATFORM_NOT_FOUND',
    `cannot use "${what}": it has no image for ${formatPlatform(wanted)} in the store`,
    {
      hint: `The store has it for ${await platformsOf(image, config, blobs)}; "tsbuild pull --platform" fetches another.`,
    },
  );
}

async function fromIndex(
  image: StoredImage,
  wanted: Platform,
  blobs: Pick<BlobReader, 'read'>,
): Promise<Descriptor<ManifestMediaType> | undefined> {
  const entry = selectPlatform(await readIndex(image, blobs), wanted);
  if (entry === undefined) return undefined;
  const { mediaType, ...rest } = entry;
  return isManifestMediaType(mediaType) ? { ...rest, mediaType } : undefined;
}

async function readIndex(
  { index }: StoredImage,
  blobs: Pick<BlobReader, 'read'>,
): Promise<ReturnType<typeof decodeIndex>['value']> {
  if (index === undefined)
    return { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] };
  return decodeIndex(await blobs.read(index), index).value;
}

async function platformsOf(image: StoredImage, config: RawConfig, blobs: Pick<BlobReader, 'read'>): Promise<string> {
  const listed = listPlatforms(await readIndex(image, blobs));
  return listed.length === 0 ? formatPlatform(config.value) : listed.join(', ');
}

async function openTrees(
  layers: readonly Layer[],
  { location }: WantedImage,
  context: Context,
): Promise<readonly NodesTree[]> {
  const { store } = context;
  const trees = new LayerTrees({
    store,
    // Contents are never inflated into files here.
    temporaryDirectory: '',
  });
  const open = async (): Promise<readonly NodesTree[] | undefined> => {
    await indexMissing(layers, context);
    try {
      const opened = layers.map((_, index) => trees.open(layers.slice(0, index + 1)));
      return opened.some((tree) => tree === undefined) ? undefined : opened.filter((tree) => tree !== undefined);
    } catch (error) {
      if (error instanceof ContentElsewhereError) return undefined;
      throw error;
    }
  };
  const opened = (await open()) ?? ((await trees.dropUnusable(layers)) ? await open() : undefined);
  if (opened !== undefined) return opened;
  const what = formatImageLocation(location);
  throw new TsbuildError(
    'LAYER_INVALID',
    `cannot list the files of "${what}": they are too many, or its layers no tars`,
    {
      hint: 'Images of up to a million files can be looked into.',
    },
  );
}

async function indexMissing(layers: readonly Layer[], { store, progress, signal }: Context): Promise<void> {
  const missing = layers.filter(({ diffId }) => !store.layerIndexes.has(diffId));
  if (missing.length === 0) return;
  const step = 'files';
  const event = { type: 'transfer', step, direction: 'index' } as const;
  const each = [...new Map(missing.map((layer) => [layer.diffId, layer])).values()];
  for (const { descriptor } of each)
    progress({ ...event, item: descriptor.digest, current: 0, total: descriptor.size });
  const onDone = ({ descriptor: { digest: item, size } }: Layer): void => {
    progress({ ...event, item, current: size, total: size, done: true });
  };
  await makeIndexes(each, { store, onDone, signal });
}

import { digestOf } from '../../src/oci/digest.js';
import { listLayer, type ImageDocument, type RawImage } from './read-image.js';

/** What is compared of an image; plain data, as it stands in the goldens. */
export interface ImageFacts {
  /** Without times and digests. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Above the base's: what made the layer, and its entries by path. */
  readonly layers: readonly LayerFacts[];
}

export interface LayerFacts {
  readonly by: string;
  readonly entries: Readonly<Record<string, string>>;
}

export interface FactsOptions {
  /** Layers that are the base's: their place is compared, not what is in them. */
  readonly baseLayers: ReadonlySet<string>;
  /** What differs from run to run, as the addresses of servers, by what stands for it. */
  readonly names: ReadonlyMap<string, string>;
}

export async function factsOf({ config, layers }: RawImage, options: FactsOptions): Promise<ImageFacts> {
  const own = layers.filter((layer) => !options.baseLayers.has(digestOf(layer)));
  const makers = (config.history ?? []).filter(({ empty_layer }) => empty_layer !== true);
  const first = layers.length - own.length;
  const facts = {
    config: { ...withoutRunsOwn(config), layers: layers.length },
    layers: await Promise.all(
      own.map(async (layer, index) => ({
        by: makers[first + index]?.created_by ?? '(no history)',
        entries: await listLayer(layer),
      })),
    ),
  };
  return renamed(facts, options.names);
}

/** Without what every run makes anew: times, digests, and BuildKit's notes to itself. */
function withoutRunsOwn(config: ImageDocument): Record<string, unknown> {
  const { created: _, rootfs: _rootfs, history, ...rest } = config;
  const kept = Object.entries(rest).filter(([key]) => !key.startsWith('moby.'));
  // Go writes an empty list as null, and image-spec has it as optional.
  const entries = (history ?? []).map((entry) =>
    Object.fromEntries(Object.entries(entry).filter(([key]) => key !== 'created')),
  );
  return { ...Object.fromEntries(kept), history: entries };
}

function renamed(facts: ImageFacts, names: ReadonlyMap<string, string>): ImageFacts {
  let text = JSON.stringify(facts);
  for (const [value, name] of names) text = text.replaceAll(value, name);
  return JSON.parse(text) as ImageFacts;
}

import type { ImageFiles } from '../../toolchain/image-files.js';
import type { ChangedFile } from '../../layers/compare/compare-files.js';
import { formatPlatform } from '../../oci/platform.js';
import type { Digest } from '../../oci/digest.js';
import { configDifference, type ConfigChange } from './config-difference.js';
import { summarize, type FileSummary } from './file-difference.js';
import { layerDifference, type LayerOf } from './layer-difference.js';
import { packageDifference, type PackageDifference } from './package-lists.js';

export interface ComparedImage {
  /** As the user called it. */
  readonly name: string;
  readonly id: Digest;
  readonly platform: string;
  /** Of the blobs of its layers together. */
  readonly size: number;
}

/** How two images differ; a section that was not asked for is `undefined`. */
export interface ImageDifference {
  readonly before: ComparedImage;
  readonly after: ComparedImage;
  readonly config?: readonly ConfigChange[] | undefined;
  readonly layers?: readonly LayerOf[] | undefined;
  readonly packages?: PackageDifference | undefined;
  readonly files?: { readonly changes: readonly ChangedFile[]; readonly summary: FileSummary } | undefined;
}

export type Section = 'config' | 'layers' | 'packages' | 'files';

export const SECTIONS: readonly Section[] = ['config', 'layers', 'packages', 'files'];

export interface NamedFiles {
  readonly name: string;
  readonly files: ImageFiles;
}

export async function imageDifference(
  before: NamedFiles,
  after: NamedFiles,
  { sections, times }: { readonly sections: ReadonlySet<Section>; readonly times: boolean },
): Promise<ImageDifference> {
  const [old, current] = [before.files, after.files];
  const unless = <T>(section: Section, make: () => T): T | undefined => (sections.has(section) ? make() : undefined);
  return {
    before: comparedImage(before),
    after: comparedImage(after),
    config: unless('config', () => configDifference(documentsOf(old), documentsOf(current), { times })),
    layers: unless('layers', () => layerDifference(old, current)),
    packages: await unless('packages', () => packageDifference(old, current)),
    files: await unless('files', async () => {
      const changes = await old.compare(current, { times });
      return { changes, summary: summarize(changes) };
    }),
  };
}

function documentsOf({ manifest, config }: ImageFiles): Parameters<typeof configDifference>[0] {
  return { manifest: manifest.value, config: config.value };
}

function comparedImage({ name, files: { manifest, config } }: NamedFiles): ComparedImage {
  return {
    name,
    id: manifest.value.config.digest,
    platform: formatPlatform(config.value),
    size: manifest.value.layers.reduce((sum, { size }) => sum + size, 0),
  };
}

/** Of what was asked for. */
export function differs({ config, layers, packages, files }: ImageDifference): boolean {
  return (
    (config?.length ?? 0) > 0 ||
    (layers ?? []).some(({ of }) => of !== 'both') ||
    (packages?.changes.length ?? 0) > 0 ||
    (files?.changes.length ?? 0) > 0
  );
}

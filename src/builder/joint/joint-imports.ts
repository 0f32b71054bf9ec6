import type { Layer } from '../../oci/layer.js';
import { canonicalJson } from '../../oci/canonical-json.js';
import type { BuildRequest } from '../build-request.js';
import type { BuilderParts, BuildOptions } from '../builder-parts.js';
import type { CacheImport } from '../cache/cache-import.js';
import { platformOf } from './platform-of.js';

export interface JointImports {
  readonly all: readonly CacheImport[];
  /** Of each build, by its number. */
  readonly of: readonly (readonly CacheImport[])[];
}

/** The caches that builds take steps from: of those that name the same one, for the same platform, it is read once. */
export async function openImports(
  requests: readonly BuildRequest[],
  parts: BuilderParts & BuildOptions,
  onTaken: (layer: Layer) => Promise<void>,
): Promise<JointImports> {
  const sources = requests.map(({ noCache, cacheFrom = [] }) => (noCache ? [] : cacheFrom));
  if (sources.every(({ length }) => length === 0)) return { all: [], of: sources.map(() => []) };
  const { CacheImport } = await import('../cache/cache-import.js');
  const known = new Map<string, CacheImport>();
  const of = requests.map((request, number) => {
    const platform = platformOf(request);
    return (sources[number] ?? []).map((source) => {
      const key = canonicalJson({ source, platform });
      const opened = known.get(key) ?? new CacheImport(source, { ...parts, platform }, onTaken);
      known.set(key, opened);
      return opened;
    });
  });
  return { all: [...known.values()], of };
}

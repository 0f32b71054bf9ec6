import type { ImageFacts, LayerFacts } from './facts.js';
import { FIELDS } from './read-image.js';

/** One thing that is not as BuildKit has it. */
export interface Difference {
  /** `config.Env`, `layer 2 /etc/x`. */
  readonly where: string;
  readonly field: string;
  readonly ours: string;
  readonly theirs: string;
}

/** What differs between the images that tsbuild and BuildKit made; nothing when they agree. */
export function compareImages(ours: ImageFacts, theirs: ImageFacts): readonly Difference[] {
  const layers = Array.from({ length: Math.max(ours.layers.length, theirs.layers.length) }, (_, index) =>
    compareLayers(ours.layers[index], theirs.layers[index], index + 1),
  );
  return [...compareValues(ours.config, theirs.config, 'config'), ...layers.flat()];
}

function compareValues(ours: unknown, theirs: unknown, where: string): readonly Difference[] {
  if (isObject(ours) && isObject(theirs)) {
    const keys = [...new Set([...Object.keys(theirs), ...Object.keys(ours)])];
    return keys.flatMap((key) => compareValues(ours[key], theirs[key], `${where}.${key}`));
  }
  if (JSON.stringify(ours) === JSON.stringify(theirs)) return [];
  if (Array.isArray(ours) && Array.isArray(theirs) && where.endsWith('.history')) {
    const count = Math.max(ours.length, theirs.length);
    return Array.from({ length: count }, (_, index) =>
      compareValues(ours[index], theirs[index], `${where}[${index}]`),
    ).flat();
  }
  const at = where.lastIndexOf('.');
  return [{ where: where.slice(0, at), field: where.slice(at + 1), ours: shown(ours), theirs: shown(theirs) }];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shown = (value: unknown): string => (value === undefined ? '(absent)' : JSON.stringify(value));

function compareLayers(
  ours: LayerFacts | undefined,
  theirs: LayerFacts | undefined,
  number: number,
): readonly Difference[] {
  const where = `layer ${number} (${(theirs ?? ours)?.by.slice(0, 60) ?? ''})`;
  if (ours === undefined || theirs === undefined) {
    return [{ where, field: 'layer', ours: presence(ours), theirs: presence(theirs) }];
  }
  const paths = [...new Set([...Object.keys(theirs.entries), ...Object.keys(ours.entries)])].sort();
  return paths.flatMap((path) => {
    const [our, their] = [ours.entries[path], theirs.entries[path]];
    if (our !== undefined && their !== undefined)
      return compareEntries(our, their, { where: `${where} ${path}`, by: theirs.by, path });
    return [{ where: `${where} ${path}`, field: 'entry', ours: our ?? '(absent)', theirs: their ?? '(absent)' }];
  });
}

const presence = (layer: LayerFacts | undefined): string => (layer === undefined ? '(absent)' : '(there)');

function compareEntries(
  ours: string,
  theirs: string,
  { where, by, path }: { readonly where: string; readonly by: string; readonly path: string },
): readonly Difference[] {
  const [our, their] = [ours.split(' '), theirs.split(' ')];
  return FIELDS.flatMap((field, index) => {
    const pair = { ours: our[index] ?? '-', theirs: their[index] ?? '-' };
    if (pair.ours === pair.theirs) return [];
    if (field === 'mtime' && isDecidedTime(pair, { by, path, type: their[0] ?? '' })) return [];
    return [{ where, field, ...pair }];
  });
}

/**
 * ADR 2: what BuildKit gives the time of the build has a fixed time with us where no process made it; the parents of what is
 * copied have the time that they have in the image. Every RUN of BuildKit's touches /etc, for it mounts files there.
 */
function isDecidedTime(
  { ours, theirs }: Pick<Difference, 'ours' | 'theirs'>,
  { by, type, path }: { readonly by: string; readonly type: string; readonly path: string },
): boolean {
  if (theirs !== 'made' || ours === 'made') return false;
  if (by.startsWith('RUN ')) return type === 'directory' && (ours === '0' || path === '/etc');
  return ours === '0' || type === 'directory';
}

/** A difference as two lines that a person can read. */
export function formatDifference({ where, field, ours, theirs }: Difference): string {
  return `  ${where}: ${field}\n    BuildKit ${theirs}\n    tsbuild  ${ours}`;
}

import { familiarName } from '../../oci/reference.js';
import type { ImageDetails, Toolchain } from '../../toolchain/toolchain-types.js';
import { usageError } from '../argv.js';
import { timeOf } from '../text/moment.js';

const IMAGES = { command: 'tsbuild images' };

interface Label {
  readonly name: string;
  /** `undefined` for any. */
  readonly value: string | undefined;
}

/** What `docker images --filter` takes. Of several references one must match; all else must hold. */
export interface ImageFilters {
  readonly dangling: boolean | undefined;
  readonly labels: readonly Label[];
  readonly references: readonly string[];
  /** Images than which the shown ones are older, or newer. */
  readonly before: readonly string[];
  readonly since: readonly string[];
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** @throws `USAGE` */
export function readImageFilters(words: readonly string[], now: number): ImageFilters {
  const pairs = words.map(readFilter);
  const valuesOf = (name: string): readonly string[] =>
    pairs.filter((pair) => pair.name === name).map(({ value }) => value);
  return {
    dangling: valuesOf('dangling').map(readDangling).at(-1),
    labels: valuesOf('label').map(readLabel),
    references: valuesOf('reference'),
    before: valuesOf('before'),
    since: valuesOf('since'),
    until: Math.min(Infinity, ...valuesOf('until').map((value) => readTime(value, now))),
  };
}

const NAMES = ['before', 'dangling', 'label', 'reference', 'since', 'until'];

function readFilter(word: string): { readonly name: string; readonly value: string } {
  const [, name = '', value = ''] = /^([a-z]+)=(.*)$/s.exec(word) ?? [];
  if (NAMES.includes(name)) return { name, value };
  throw refused(word, `Filters are ${NAMES.map((known) => `${known}=…`).join(', ')}.`);
}

function readDangling(value: string): boolean {
  if (['true', '1', 't'].includes(value)) return true;
  if (['false', '0', 'f'].includes(value)) return false;
  throw refused(`dangling=${value}`, 'Give dangling=true or dangling=false.');
}

function readLabel(text: string): Label {
  const [name = '', ...value] = text.split('=');
  return { name, value: value.length === 0 ? undefined : value.join('=') };
}

function readTime(value: string, now: number): number {
  const time = timeOf(value, now);
  if (time === undefined)
    throw refused(`until=${value}`, 'Give until=24h, or a moment such as until=2026-01-31T12:00:00Z.');
  return time;
}

function refused(word: string, hint: string): Error {
  return usageError(IMAGES, `cannot use --filter "${word.slice(0, 100)}": it is no filter`, hint);
}

/** @throws `IMAGE_NOT_FOUND` for one that images are compared with */
export async function imageFilter(
  filters: ImageFilters,
  toolchain: Pick<Toolchain, 'image'>,
): Promise<(details: ImageDetails) => boolean> {
  const timesOf = async (names: readonly string[]): Promise<readonly number[]> => {
    const times: number[] = [];
    for (const name of names) times.push(createdAt(await toolchain.image(name)));
    return times;
  };
  const latest = Math.min(filters.until, ...(await timesOf(filters.before)));
  const earliest = Math.max(-Infinity, ...(await timesOf(filters.since)));
  return (details) => {
    const created = createdAt(details);
    if (created >= latest || created <= earliest) return false;
    return isAsked(details, filters);
  };
}

function isAsked(details: ImageDetails, { dangling, labels, references }: ImageFilters): boolean {
  if (dangling !== undefined && dangling !== (details.image.name === null)) return false;
  if (references.length > 0 && !references.some((pattern) => isNamed(details, pattern))) return false;
  const has = details.config.value.config.Labels ?? {};
  return labels.every(({ name, value }) => Object.hasOwn(has, name) && (value === undefined || has[name] === value));
}

/** Milliseconds since the epoch; 0 where the image does not say. */
export function createdAt({ config }: ImageDetails): number {
  const time = Date.parse(config.value.created ?? '');
  return Number.isNaN(time) ? 0 : time;
}

/** By repository, or by repository and tag; `*` and `?` stand for anything but a slash. */
export function isNamed({ image }: ImageDetails, pattern: string): boolean {
  if (image.name === null) return false;
  const { registry, repository, tag } = image.name;
  const short = familiarName({ registry, repository });
  const full = `${registry}/${repository}`;
  const matcher = new RegExp(`^${Array.from(pattern, patternCharacter).join('')}$`);
  return [short, full, `${short}:${tag}`, `${full}:${tag}`].some((name) => matcher.test(name));
}

function patternCharacter(character: string): string {
  if (character === '*') return '[^/]*';
  if (character === '?') return '[^/]';
  return character.replace(/[\\^$.+|()[\]{}]/, '\\$&');
}

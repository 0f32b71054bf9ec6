import { familiarName } from '../../oci/reference.js';
import type { StoredImage } from '../../store/image-store.js';
import { TsbuildError } from '../../support/errors.js';
import type { ImageDetails } from '../../toolchain-types.js';
import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { formatTable } from '../text/table.js';
import { imageRow, type ImageRow } from './image-row.js';
import { openToolchain } from './open-toolchain.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const format = parsed.value('format') ?? 'table';
  if (format !== 'table' && format !== 'json') {
    throw new TsbuildError('USAGE', `cannot use --format "${format}": no such format`, { hint: 'Use table or json.' });
  }
  await using toolchain = await openToolchain(parsed, host);
  const [pattern] = parsed.positionals;
  const lost: StoredImage[] = [];
  const all = await toolchain.images({ onLost: (image) => lost.push(image) });
  const images = all.filter((details) => pattern === undefined || isNamed(details, pattern));
  const now = host.now();
  const rows = images.toSorted(newestFirst).map((details) => imageRow(details, now, !parsed.flag('no-trunc')));
  await print(host.stdout, listing(rows, { format, quiet: parsed.flag('quiet'), digests: parsed.flag('digests') }));
  for (const { name, descriptor } of lost) await print(host.stderr, lostWarning(name, descriptor.digest));
}

function lostWarning(name: StoredImage['name'], digest: string): string {
  const what = name === null ? digest : familiarName(name);
  return `warning: image "${what}" is damaged and not listed: pull, load or build it again, or remove it\n`;
}

interface Listing {
  readonly format: 'table' | 'json';
  readonly quiet: boolean;
  readonly digests: boolean;
}

function listing(rows: readonly ImageRow[], { format, quiet, digests }: Listing): string {
  if (quiet) return rows.map(({ ID }) => `${ID}\n`).join('');
  if (format === 'json') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const heading = ['REPOSITORY', 'TAG', ...(digests ? ['DIGEST'] : []), 'IMAGE ID', 'CREATED', 'SIZE'];
  const cells = rows.map(({ Repository, Tag, Digest, ID, CreatedSince, Size }) => [
    ...[Repository, Tag, ...(digests ? [Digest] : [])],
    ...[ID, CreatedSince, Size],
  ]);
  return formatTable([heading, ...cells]);
}

/** Then by name, so that images of one moment (SOURCE_DATE_EPOCH) have an order. */
function newestFirst(a: ImageDetails, b: ImageDetails): number {
  const difference = createdAt(b) - createdAt(a);
  return difference === 0 ? (shownName(a) < shownName(b) ? -1 : 1) : difference;
}

function createdAt({ config }: ImageDetails): number {
  const time = Date.parse(config.value.created ?? '');
  return Number.isNaN(time) ? 0 : time;
}

function shownName({ image, manifest }: ImageDetails): string {
  return image.name === null ? manifest.descriptor.digest : familiarName(image.name);
}

/** By repository, or by repository and tag; `*` and `?` stand for anything but a slash. */
function isNamed({ image }: ImageDetails, pattern: string): boolean {
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

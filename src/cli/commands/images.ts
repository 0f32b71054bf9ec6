import { familiarName } from '../../oci/reference.js';
import type { StoredImage } from '../../store/image-store.js';
import type { ImageDetails } from '../../toolchain/toolchain-types.js';
import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { rowFormatter } from '../template/format-rows.js';
import { createdAt, imageFilter, isNamed, readImageFilters } from './image-filter.js';
import { IMAGE_HEADINGS, imageRow, type ImageRow } from './image-row.js';
import { openToolchain } from './open-toolchain.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const show = listing(parsed);
  const filters = readImageFilters(parsed.list('filter'), host.now());
  await using toolchain = await openToolchain(parsed, host);
  const [pattern] = parsed.positionals;
  const lost: StoredImage[] = [];
  const all = await toolchain.images({ onLost: (image) => lost.push(image) });
  const isWanted = await imageFilter(filters, toolchain);
  const images = all.filter((details) => (pattern === undefined || isNamed(details, pattern)) && isWanted(details));
  const now = host.now();
  const rows = images.toSorted(newestFirst).map((details) => imageRow(details, now, !parsed.flag('no-trunc')));
  await print(host.stdout, show(rows));
  for (const { name, descriptor } of lost) await print(host.stderr, lostWarning(name, descriptor.digest));
}

function listing(parsed: ParsedArguments): (rows: readonly ImageRow[]) => string {
  const columns = ['Repository', 'Tag', ...(parsed.flag('digests') ? ['Digest'] : []), 'ID', 'CreatedSince', 'Size'];
  const show = rowFormatter(parsed.value('format') ?? 'table', { headings: IMAGE_HEADINGS, columns });
  return parsed.flag('quiet') ? (rows) => rows.map(({ ID }) => `${ID}\n`).join('') : show;
}

function lostWarning(name: StoredImage['name'], digest: string): string {
  const what = name === null ? digest : familiarName(name);
  return `warning: image "${what}" is damaged and not listed: pull, load or build it again, or remove it\n`;
}

/** Then by name, so that images of one moment (SOURCE_DATE_EPOCH) have an order. */
function newestFirst(a: ImageDetails, b: ImageDetails): number {
  const difference = createdAt(b) - createdAt(a);
  return difference === 0 ? (shownName(a) < shownName(b) ? -1 : 1) : difference;
}

function shownName({ image, manifest }: ImageDetails): string {
  return image.name === null ? manifest.descriptor.digest : familiarName(image.name);
}

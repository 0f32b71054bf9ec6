import { shortDigest } from '../../oci/digest.js';
import type { CacheUsage, DiskUsage } from '../../toolchain/care/store-care-types.js';
import { TsbuildError } from '../../support/errors.js';
import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { formatAge } from '../text/age.js';
import { formatSize } from '../text/size.js';
import { ellipsis, formatTable } from '../text/table.js';
import { escapeControls } from '../text/terminal-text.js';
import { NONE } from './image-row.js';
import { openToolchain } from './open-toolchain.js';

const LABEL_LENGTH = 60;

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const format = parsed.value('format') ?? 'table';
  if (format !== 'table' && format !== 'json') {
    throw new TsbuildError('USAGE', `cannot use --format "${format}": no such format`, { hint: 'Use table or json.' });
  }
  await using toolchain = await openToolchain(parsed, host);
  const usage = await toolchain.diskUsage({ signal: host.signal });
  const verbose = parsed.flag('verbose');
  if (format === 'json') await print(host.stdout, verbose ? `${JSON.stringify(usage)}\n` : jsonLines(usage));
  else await print(host.stdout, verbose ? details(usage, host.now()) : summary(usage));
}

/** A row, named as `docker system df --format json` names its members. */
interface Row {
  readonly Type: string;
  readonly TotalCount: number;
  readonly Active: number;
  readonly Size: number;
  readonly Reclaimable: number;
}

function rowsOf(usage: DiskUsage): readonly Row[] {
  const { images, imageBytes, cache, cacheBytes, snapshots, cacheMounts, gitRepositories: git } = usage;
  const needed = snapshots.filter(({ needed: isNeeded }) => isNeeded);
  const whole = (Type: string, count: number, bytes: number): Row => {
    return { Type, TotalCount: count, Active: 0, Size: bytes, Reclaimable: bytes };
  };
  return [
    {
      Type: 'Images',
      TotalCount: images.length,
      Active: images.filter(({ names }) => names.length > 0).length,
      Size: imageBytes.all,
      Reclaimable: imageBytes.reclaimable,
    },
    { ...whole('Build cache', cache.length, cacheBytes), Active: cache.filter(({ shared }) => shared).length },
    {
      Type: 'Snapshots',
      TotalCount: snapshots.length,
      Active: needed.length,
      Size: sumOf(snapshots),
      Reclaimable: sumOf(snapshots) - sumOf(needed),
    },
    whole('Cache mounts', cacheMounts.length, sumOf(cacheMounts)),
    whole('Git repositories', git.count, git.bytes),
    {
      ...whole('Layer indexes', usage.layerIndexes.count, usage.layerIndexes.bytes),
      Active: usage.layerIndexes.count,
      Reclaimable: 0,
    },
    whole('Unneeded blobs', usage.unneeded.count, usage.unneeded.bytes),
    { ...whole('Temporary', usage.temporary.count, usage.temporary.bytes), Reclaimable: 0 },
  ];
}

function sumOf(things: readonly { readonly bytes: number }[]): number {
  return things.reduce((sum, { bytes }) => sum + bytes, 0);
}

function reclaimable({ Size, Reclaimable }: Row): string {
  const percent = Size === 0 ? '' : ` (${Math.floor((100 * Reclaimable) / Size)}%)`;
  return `${formatSize(Reclaimable)}${percent}`;
}

function summary(usage: DiskUsage): string {
  const rows = rowsOf(usage).map((row) => {
    return [row.Type, String(row.TotalCount), String(row.Active), formatSize(row.Size), reclaimable(row)];
  });
  return formatTable([['TYPE', 'TOTAL', 'ACTIVE', 'SIZE', 'RECLAIMABLE'], ...rows]);
}

function jsonLines(usage: DiskUsage): string {
  const lines = rowsOf(usage).map((row) => ({
    Type: row.Type,
    TotalCount: String(row.TotalCount),
    Active: String(row.Active),
    Size: formatSize(row.Size),
    Reclaimable: reclaimable(row),
  }));
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function details(usage: DiskUsage, now: number): string {
  const images = usage.images.map(({ imageId, names, bytes, sharedBytes }) => {
    const sizes = [bytes, sharedBytes, bytes - sharedBytes].map(formatSize);
    return [names.length === 0 ? NONE : names.join(', '), shortDigest(imageId), ...sizes];
  });
  const cache = usage.cache.map((each) => cacheRow(each, now));
  const snapshots = usage.snapshots.map(({ id, bytes, needed, torn }) => {
    return [id.replace('sha256:', '').slice(0, 12), formatSize(bytes), torn ? 'incomplete' : String(needed)];
  });
  const mounts = usage.cacheMounts.map(({ id, bytes }) => [escapeControls(id), formatSize(bytes)]);
  return [
    summary(usage),
    section('Images', [['IMAGE', 'IMAGE ID', 'SIZE', 'SHARED SIZE', 'UNIQUE SIZE'], ...images]),
    section('Build cache', [['CACHE ID', 'KIND', 'STEP', 'SIZE', 'LAST USED', 'SHARED'], ...cache]),
    section('Snapshots', [['CHAIN ID', 'SIZE', 'NEEDED'], ...snapshots]),
    section('Cache mounts', [['CACHE MOUNT', 'SIZE'], ...mounts]),
  ].join('\n');
}

function cacheRow({ key, kind, label = '', bytes, usedAt, shared }: CacheUsage, now: number): readonly string[] {
  const age = `${formatAge(Math.max(0, now - usedAt))} ago`;
  return [
    shortDigest(key),
    kind,
    ellipsis(escapeControls(label), LABEL_LENGTH),
    formatSize(bytes),
    age,
    String(shared),
  ];
}

function section(title: string, rows: readonly (readonly string[])[]): string {
  return `${title}:\n${formatTable(rows)}`;
}

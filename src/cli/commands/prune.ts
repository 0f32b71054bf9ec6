import { shortDigest } from '../../oci/digest.js';
import type { PruneResult, PruneStoreOptions } from '../../toolchain/care/store-care-types.js';
import type { Removal } from '../../toolchain/care/store-care-types.js';
import { usageError, type ParsedArguments } from '../argv.js';
import { parseByteCount } from '../options/byte-count.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { confirm } from '../prompt.js';
import { timeOf } from '../text/moment.js';
import { formatSize } from '../text/size.js';
import { ellipsis, formatTable } from '../text/table.js';
import { escapeControls } from '../text/terminal-text.js';
import { openToolchain } from './open-toolchain.js';

const PRUNE = { command: 'tsbuild prune' };
const LABEL_LENGTH = 60;

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const options = readOptions(parsed, host.now());
  if (options.dryRun !== true && !parsed.flag('force') && !(await isWanted(options, host))) return;
  await using toolchain = await openToolchain(parsed, host);
  const result = await toolchain.prune({ ...options, signal: host.signal });
  const rows = rowsOf(result);
  if (rows.length > 0) await print(host.stdout, formatTable([['TYPE', 'NAME', 'SIZE'], ...rows]));
  const title = options.dryRun === true ? 'Total reclaimable space' : 'Total reclaimed space';
  await print(host.stdout, `${title}: ${formatSize(result.bytes)}\n`);
}

function readOptions(parsed: ParsedArguments, now: number): PruneStoreOptions {
  const keepStorage = parsed.value('keep-storage');
  const unusedSince = parsed.list('filter').map((filter) => readFilter(filter, now));
  return {
    all: parsed.flag('all'),
    cacheMounts: parsed.flag('cache-mounts'),
    snapshots: parsed.flag('snapshots'),
    dryRun: parsed.flag('dry-run'),
    unusedSince: unusedSince.length === 0 ? undefined : Math.min(...unusedSince),
    keepStorage: keepStorage === undefined ? undefined : readStorage(keepStorage),
  };
}

function readStorage(text: string): number {
  return text === '0' ? 0 : parseByteCount(text, '--keep-storage');
}

function readFilter(filter: string, now: number): number {
  const [, value = ''] = /^(?:until|unused-for)=(.*)$/.exec(filter) ?? [];
  const time = timeOf(value, now);
  if (time !== undefined) return time;
  throw usageError(
    PRUNE,
    `cannot use --filter "${filter.slice(0, 100)}": it is no filter`,
    'Give until=24h, or a moment such as until=2026-01-31T12:00:00Z.',
  );
}

/** Asks where somebody sits at a terminal. Elsewhere, what cannot be had back by itself needs --force. */
async function isWanted(options: PruneStoreOptions, host: Host): Promise<boolean> {
  if (host.stdin.isTTY === true) {
    return await confirm(host, { question: `${question(options)}\nAre you sure you want to continue? [y/N] ` });
  }
  if (options.all !== true) return true;
  throw usageError(
    PRUNE,
    'cannot remove all images: there is no terminal to ask at',
    'Give --force as well, or --dry-run to see what would go.',
  );
}

function question({ all, cacheMounts, snapshots, unusedSince, keepStorage }: PruneStoreOptions): string {
  const until = unusedSince === undefined ? '' : ` made before ${new Date(unusedSince).toISOString()}`;
  const unused = unusedSince === undefined ? '' : ` not used since ${new Date(unusedSince).toISOString()}`;
  const lines = [
    all === true ? `all images${until}` : `all images without a name${until}`,
    'everything that no image and no cached step needs',
    ...(all === true || unusedSince !== undefined ? [`the build cache${unused}`] : []),
    ...(keepStorage === undefined ? [] : [`the build cache beyond ${formatSize(keepStorage)}`]),
    ...(all === true ? ['the git repositories that builds fetched from'] : []),
    ...(snapshots === true ? ['all snapshots, which are made again when a step needs them'] : []),
    ...(cacheMounts === true ? ['the directories of RUN --mount=type=cache'] : []),
  ];
  return `WARNING! This will remove:\n${lines.map((line) => `  - ${line}`).join('\n')}\n`;
}

function rowsOf(result: PruneResult): readonly string[][] {
  const { images, cache, blobs, snapshots, cacheMounts, gitRepositories, layerIndexes } = result;
  const counted = (name: string, { count, bytes }: PruneResult['blobs']): string[][] =>
    count === 0 ? [] : [[name, String(count), formatSize(bytes)]];
  return [
    ...images.map(imageRow),
    ...cache.map(({ key, kind, label }) => {
      return ['build cache', ellipsis(escapeControls(label ?? `${kind} ${shortDigest(key)}`), LABEL_LENGTH), ''];
    }),
    ...cacheMounts.map(({ id, bytes }) => ['cache mount', escapeControls(id), formatSize(bytes)]),
    ...counted('blobs', blobs),
    ...counted('snapshots', snapshots),
    ...counted('git repositories', gitRepositories),
    ...counted('layer indexes', layerIndexes),
  ];
}

function imageRow(removal: Removal): string[] {
  return removal.kind === 'untagged' ? ['untagged', removal.name, ''] : ['deleted', removal.digest, ''];
}

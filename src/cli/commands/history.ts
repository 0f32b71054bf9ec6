import { shortDigest } from '../../oci/digest.js';
import type { HistoryEntry } from '../../oci/image.js';
import type { ImageDetails } from '../../toolchain/toolchain-types.js';
import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { formatCreated } from '../text/age.js';
import { formatSize } from '../text/size.js';
import { rowFormatter, type Headings, type Row } from '../template/format-rows.js';
import { ellipsis } from '../text/table.js';
import { plainLine } from '../text/terminal-text.js';
import { openToolchain } from './open-toolchain.js';

const MISSING = '<missing>';
const CREATED_BY_WIDTH = 45;

interface Shape {
  readonly human: boolean;
  readonly trunc: boolean;
  readonly now: number;
}

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const [name = ''] = parsed.positionals;
  const human = parsed.flag('human', true);
  const columns = ['ID', human ? 'CreatedSince' : 'CreatedAt', 'CreatedBy', 'Size', 'Comment'];
  const show = rowFormatter(parsed.value('format') ?? 'table', { headings: HEADINGS, columns });
  await using toolchain = await openToolchain(parsed, host);
  const details = await toolchain.image(name);
  const shape = { human, trunc: !parsed.flag('no-trunc'), now: host.now() };
  const rows = historyRows(details, shape);
  await print(host.stdout, parsed.flag('quiet') ? rows.map(({ ID }) => `${ID}\n`).join('') : show(rows));
}

const HEADINGS: Headings = {
  ID: 'IMAGE',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  Size: 'SIZE',
  Comment: 'COMMENT',
};

/** What is shown of an entry, named as Docker names it in `--format`. */
interface HistoryRow extends Row {
  readonly ID: string;
}

/** Newest first; only the newest has an image, as the ones between are not kept. */
function historyRows({ manifest, config }: ImageDetails, shape: Shape): readonly HistoryRow[] {
  const { digest } = manifest.value.config;
  const id = shape.trunc ? shortDigest(digest) : digest;
  const { history } = config.value;
  const sizes = entrySizes(
    history,
    manifest.value.layers.map(({ size }) => size),
  );
  return history
    .map((entry, index): HistoryRow => {
      const size = sizes[index] ?? 0;
      return {
        ID: index === history.length - 1 ? id : MISSING,
        CreatedSince: formatCreated(entry.created, shape.now),
        CreatedAt: entry.created ?? 'N/A',
        CreatedBy: createdBy(entry, shape.trunc),
        Size: shape.human ? formatSize(size) : String(size),
        Comment: plainLine(entry.comment ?? ''),
      };
    })
    .reverse();
}

/** Layers belong, in order, to the entries that are not empty (image-spec config.md, "history"). */
function entrySizes(history: readonly HistoryEntry[], layers: readonly number[]): readonly number[] {
  const left = layers.values();
  return history.map((entry) => (entry.empty_layer === true ? 0 : (left.next().value ?? 0)));
}

function createdBy({ created_by: command = '' }: HistoryEntry, trunc: boolean): string {
  const line = plainLine(command.replaceAll(/[\t\n]/g, ' '));
  return trunc ? ellipsis(line, CREATED_BY_WIDTH) : line;
}

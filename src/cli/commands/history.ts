import { shortDigest } from '../../oci/digest.js';
import type { HistoryEntry } from '../../oci/image.js';
import type { ImageDetails } from '../../toolchain-types.js';
import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { formatCreated } from '../text/age.js';
import { formatSize } from '../text/size.js';
import { ellipsis, formatTable } from '../text/table.js';
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
  await using toolchain = await openToolchain(parsed, host);
  const details = await toolchain.image(name);
  const shape = { human: parsed.flag('human', true), trunc: !parsed.flag('no-trunc'), now: host.now() };
  const rows = historyRows(details, shape);
  const text = parsed.flag('quiet')
    ? rows.map(([image]) => `${image}\n`).join('')
    : formatTable([['IMAGE', 'CREATED', 'CREATED BY', 'SIZE', 'COMMENT'], ...rows]);
  await print(host.stdout, text);
}

type Row = readonly [image: string, created: string, createdBy: string, size: string, comment: string];

/** Newest first; only the newest has an image, as the ones between are not kept. */
function historyRows({ manifest, config }: ImageDetails, shape: Shape): readonly Row[] {
  const { digest } = manifest.value.config;
  const id = shape.trunc ? shortDigest(digest) : digest;
  const { history } = config.value;
  const sizes = entrySizes(
    history,
    manifest.value.layers.map(({ size }) => size),
  );
  return history
    .map((entry, index): Row => {
      const size = sizes[index] ?? 0;
      return [
        index === history.length - 1 ? id : MISSING,
        shape.human ? formatCreated(entry.created, shape.now) : (entry.created ?? 'N/A'),
        createdBy(entry, shape.trunc),
        shape.human ? formatSize(size) : String(size),
        plainLine(entry.comment ?? ''),
      ];
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

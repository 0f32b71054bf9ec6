import { shortDigest } from '../../oci/digest.js';
import { fileNameText } from '../text/file-name.js';
import type { Palette } from '../text/color.js';
import { formatSize } from '../text/size.js';
import { ellipsis, formatTable } from '../text/table.js';
import { escapeControls, plainLine } from '../text/terminal-text.js';
import type { ExploredImage } from './explored-image.js';

/** Counts up when what programs rely on changes its meaning. */
const FORMAT_VERSION = 1;
/** So many wasted files are shown; JSON has all of them. */
const MAX_FILES = 20;
const MAKER_WIDTH = 50;

/** Everything, for programs. Layers are counted from 0, at the bottom. */
export function exploreJson({ name, id, platform, layers, waste }: ExploredImage): string {
  const { bytes, wastedBytes, efficiency, files } = waste;
  const wastedFiles = files.map((file) => ({ ...file, path: `/${fileNameText(file.path)}` }));
  const totals = { bytes, wastedBytes, efficiency };
  return `${JSON.stringify({ version: FORMAT_VERSION, name, id, platform, ...totals, layers, wastedFiles })}\n`;
}

export function exploreText(image: ExploredImage, colors: Palette): string {
  const { name, id, platform, layers, waste } = image;
  const rows = layers.map((layer, index) => [
    String(index + 1),
    formatSize(layer.bytes),
    percent(layer.bytes, waste.bytes),
    formatSize(layer.wastedBytes),
    String(layer.files),
    ellipsis(instructionText(layer.createdBy), MAKER_WIDTH),
  ]);
  return [
    `${colors.bold(escapeControls(name))}  ${shortDigest(id)}  ${platform}\n\n`,
    formatTable([['LAYER', 'SIZE', 'SHARE', 'WASTED', 'FILES', 'CREATED BY'], ...rows]),
    `\n${wasteLine(image)}\n`,
    ...wastedFiles(image),
  ].join('');
}

function wastedFiles({ waste: { files } }: ExploredImage): readonly string[] {
  if (files.length === 0) return [];
  const rows = files
    .slice(0, MAX_FILES)
    .map(({ path, bytes, layers, fate, hiddenBy }) => [
      formatSize(bytes),
      layers.map((layer) => layer + 1).join(','),
      `${fate} in ${hiddenBy + 1}`,
      escapeControls(`/${fileNameText(path)}`),
    ]);
  const more = files.length - rows.length;
  return [
    `\n${formatTable([['WASTED', 'IN LAYER', 'AND', 'PATH'], ...rows])}`,
    ...(more === 0 ? [] : [`and ${more} more; --json has all of them\n`]),
  ];
}

/** `Efficiency 95.1 %: 5.24MB of 107MB are wasted in 12 files`. */
export function wasteLine({ waste }: Pick<ExploredImage, 'waste'>): string {
  const { bytes, wastedBytes, efficiency, files } = waste;
  const count = `${files.length} file${files.length === 1 ? '' : 's'}`;
  // Rounded down: only what wastes nothing is at 100 %.
  const share = Math.floor(efficiency * 1000) / 10;
  return `Efficiency ${share} %: ${formatSize(wastedBytes)} of ${formatSize(bytes)} are wasted in ${count}`;
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '0%' : `${Math.round((100 * part) / whole)}%`;
}

/** As it was written, on one line: without what stands for the shell. */
export function instructionText(createdBy: string): string {
  return plainLine(createdBy.replaceAll(/[\t\n ]+/g, ' ')).replace(
    /^(RUN )?\/bin\/sh -c (#\(nop\) +)?/,
    (_, _run: string | undefined, nop: string | undefined) => (nop === undefined ? 'RUN ' : ''),
  );
}

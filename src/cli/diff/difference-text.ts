import { shortDigest } from '../../oci/digest.js';
import type { FileAspect } from '../../layers/compare/compare-files.js';
import type { Palette } from '../text/color.js';
import { formatSize } from '../text/size.js';
import { ellipsis } from '../text/table.js';
import { escapeControls, plainLine } from '../text/terminal-text.js';
import type { ConfigChange } from './config-difference.js';
import { changesOf } from './difference-document.js';
import type { FileChange, FileFacts } from './file-difference.js';
import { differs, type ComparedImage, type ImageDifference } from './image-difference.js';
import type { LayerOf } from './layer-difference.js';
import type { PackageDifference } from './package-lists.js';

interface TextOptions {
  readonly colors: Palette;
  readonly times: boolean;
}

/** Lines, of which each section that has something to say has a heading. */
export function* differenceText(
  difference: ImageDifference,
  { colors, times }: TextOptions,
): Generator<string, void, undefined> {
  const { before, after, config = [], layers, packages, files } = difference;
  yield `${colors.red('---')} ${imageText(before)}\n`;
  yield `${colors.green('+++')} ${imageText(after)}\n`;
  if (!differs(difference)) {
    yield 'no difference\n';
    return;
  }
  if (config.length > 0) yield* section('Config', config.map(configLine), colors);
  if (layers?.some(({ of }) => of !== 'both') === true) {
    yield* section(`Layers: ${layerCounts(layers)}`, layers.map(layerLine), colors);
  }
  if (packages !== undefined) yield* packageSection(packages, colors);
  if (files === undefined || files.changes.length === 0) return;
  const { added, addedBytes, changed, changedBytes, removed, removedBytes } = files.summary;
  const growth = `${changedBytes < 0 ? '-' : '+'}${formatSize(Math.abs(changedBytes))}`;
  const counts = `${added} added (${formatSize(addedBytes)}), ${changed} changed (${growth}), ${removed} removed (${formatSize(removedBytes)})`;
  yield* section(`Files: ${counts}`, fileLines(difference, times), colors);
}

type Sign = '+' | '-' | '~' | '=';

interface Line {
  readonly sign: Sign;
  readonly text: string;
}

function* section(title: string, lines: Iterable<Line>, colors: Palette): Generator<string, void, undefined> {
  const paint = { '+': colors.green, '-': colors.red, '~': colors.yellow, '=': colors.dim };
  yield `\n${colors.bold(title)}\n`;
  for (const { sign, text } of lines) yield `  ${paint[sign](`${sign} ${text}`)}\n`;
}

function imageText({ name, id, platform, size }: ComparedImage): string {
  return escapeControls(`${name} (${shortDigest(id)}, ${platform}, ${formatSize(size)})`);
}

function signOf(before: unknown, after: unknown): Sign {
  return before === undefined ? '+' : after === undefined ? '-' : '~';
}

function configLine({ name, key, before, after }: ConfigChange): Line {
  const sign = signOf(before, after);
  const what = key === undefined ? name : `${name} ${key}`;
  const values = [before, after].filter((value) => value !== undefined).map(valueText);
  const isSet = name === 'ExposedPort' || name === 'Volume';
  return { sign, text: escapeControls(isSet ? what : `${what}: ${values.join(' -> ')}`) };
}

function valueText(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}

function layerCounts(layers: readonly LayerOf[]): string {
  const count = (wanted: LayerOf['of']): string => {
    const found = layers.filter(({ of }) => of === wanted);
    return `${found.length} (${formatSize(found.reduce((sum, { size }) => sum + size, 0))})`;
  };
  return `${count('both')} in both, ${count('before')} only in the first, ${count('after')} only in the second`;
}

const LAYER_SIGNS = { both: '=', before: '-', after: '+' } as const;
const MAKER_WIDTH = 60;

function layerLine({ of, diffId, size, createdBy }: LayerOf): Line {
  const maker = ellipsis(plainLine(createdBy.replaceAll(/[\t\n]/g, ' ')), MAKER_WIDTH);
  return { sign: LAYER_SIGNS[of], text: `${shortDigest(diffId)}  ${formatSize(size)}  ${maker}`.trimEnd() };
}

function* packageSection({ changes, unread }: PackageDifference, colors: Palette): Generator<string, void, undefined> {
  if (changes.length > 0) {
    const lines = changes.map(({ name, before, after }): Line => {
      const versions = [before, after].filter((version) => version !== undefined).join(' -> ');
      return { sign: signOf(before, after), text: escapeControls(`${name} ${versions}`) };
    });
    yield* section('Packages', lines, colors);
  }
  for (const manager of unread) yield `\nThe list of packages that ${manager} keeps is not read.\n`;
}

function* fileLines(difference: ImageDifference, times: boolean): Generator<Line, void, undefined> {
  for (const change of changesOf(difference, times)) yield fileLine(change);
}

function fileLine({ path, before, after, aspects }: FileChange): Line {
  const sign = signOf(before, after);
  if (before !== undefined && after !== undefined) {
    const changes = aspects.map((aspect) => aspectText(aspect, before, after));
    return { sign, text: escapeControls(`${path}  ${changes.join(', ')}`) };
  }
  const facts = after ?? before;
  return { sign, text: escapeControls(`${path}${facts === undefined ? '' : factsText(facts)}`) };
}

function factsText({ type, size, link }: FileFacts): string {
  if (type === 'directory') return '/';
  if (type === 'file') return `  ${formatSize(size)}`;
  return link === undefined ? `  ${type}` : ` -> ${link}`;
}

function aspectText(aspect: FileAspect, before: FileFacts, after: FileFacts): string {
  const shown: Partial<Record<FileAspect, (facts: FileFacts) => string>> = {
    type: ({ type }) => type,
    mode: ({ mode }) => mode,
    owner: ({ uid, gid }) => `${uid}:${gid}`,
    size: ({ size }) => formatSize(size),
    link: ({ link = '' }) => link,
    time: ({ time = '' }) => time,
  };
  const show = shown[aspect];
  if (show === undefined) return aspect;
  const [was, is] = [show(before), show(after)];
  return was === is ? aspect : `${aspect} ${was} -> ${is}`;
}

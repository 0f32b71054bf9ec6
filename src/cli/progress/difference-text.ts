import type { AspectDifference, FileDifference } from '../../builder/reproduce/file-difference.js';
import { escapeControls, plainLine } from '../text/terminal-text.js';
import type { Difference } from './model.js';

/** So many files of a step are shown; `--progress=json` has more. */
const MAX_SHOWN = 20;

/** What a step did otherwise the second time. */
export function differenceLines({ label, source, difference }: Difference): string[] {
  const { files, omitted, times, advice } = difference;
  const place = source === undefined ? '' : ` (${source.file}:${source.start.line})`;
  const more = omitted + Math.max(0, files.length - MAX_SHOWN);
  const inOrder = files.length + omitted + times === 0 ? ['  the same files in another order'] : [];
  return [
    '------',
    ` > ${plainLine(label)}${place} gave another layer the second time:`,
    ...files.slice(0, MAX_SHOWN).map(fileLine),
    ...(more === 0 ? [] : [`  and ${count(more, 'more file')}`]),
    ...(times === 0 ? [] : [`  ${count(times, 'file')} with another time`]),
    ...inOrder,
    ...advice.map((text) => `  * ${text}`),
    '------',
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function fileLine({ path, aspects }: FileDifference): string {
  return `  /${escapeControls(path)}: ${aspects.map(aspectText).join(', ')}`;
}

function aspectText({ aspect, first = '', second = '', offset }: AspectDifference): string {
  if (aspect === 'content') return `content from byte ${offset ?? 0} on`;
  const values = `${escapeControls(first)}, then ${escapeControls(second)}`;
  return aspect === 'listed' ? values : `${aspect} ${values}`;
}

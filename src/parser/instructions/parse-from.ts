import { asTemplate } from '../expand-template.js';
import type { Stage } from '../instruction.js';
import { quoted } from '../quoted.js';
import { readFlags } from './flags.js';
import { type RawInstruction, syntaxError, wordRange } from './raw-instruction.js';
import { splitWords } from './words.js';

/** A FROM: a stage as yet without its place among the others. */
export type StageStart = Omit<Stage, 'index' | 'instructions'>;

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;
const RESERVED_NAMES = ['context', 'scratch'];

export function parseFrom(raw: RawInstruction): StageStart {
  const [base, as, writtenName, ...more] = splitWords(raw.args.text);
  const platform = readFlags(raw, { platform: { takes: 'text' } }).get('platform')?.value;
  if (base === undefined)
    throw syntaxError(raw, 'it names no image', { hint: 'Write "FROM image" or "FROM scratch".' });
  if (more.length > 0 || (as !== undefined && (writtenName === undefined || as.toUpperCase() !== 'AS'))) {
    throw syntaxError(raw, 'it has neither one nor three arguments', {
      hint: 'Write "FROM image" or "FROM image AS name"; a comment needs a line of its own.',
    });
  }
  const name = writtenName === undefined ? undefined : parseStageName(raw, writtenName);
  if (as !== undefined) warnOfAsCasing(raw, as);
  return {
    base: asTemplate(base),
    source: raw.source,
    text: raw.text,
    ...(name !== undefined && { name }),
    ...(platform !== undefined && platform !== '' && { platform: asTemplate(platform) }),
  };
}

function parseStageName(raw: RawInstruction, written: string): string {
  const name = written.toLowerCase();
  if (!STAGE_NAME.test(name)) {
    throw syntaxError(raw, `${quoted(written)} is no name for a stage`, {
      source: wordRange(raw, written),
      hint: 'A name begins with a letter; letters, digits, "-", "_" and "." may follow.',
    });
  }
  if (name !== written) raw.warn('StageNameCasing', `Stage name '${written}' should be lowercase`);
  if (RESERVED_NAMES.includes(name)) {
    raw.warn('ReservedStageName', `Stage name should not use the same name as reserved stage "${name}"`);
  }
  return name;
}

/** Only where FROM itself is in one case. */
function warnOfAsCasing(raw: RawInstruction, as: string): void {
  const from = raw.writtenKeyword;
  const matches =
    from === from.toLowerCase() ? as === as.toLowerCase() : from !== from.toUpperCase() || as === as.toUpperCase();
  if (!matches) raw.warn('FromAsCasing', `'${as}' and '${from}' keywords' casing do not match`);
}

import { asCasing, definitionDescription, stageNameCasing } from '../checks/stage-checks.js';
import { asTemplate } from '../expand-template.js';
import type { Stage } from '../instruction.js';
import { quoted } from '../quoted.js';
import { describedBy } from './description.js';
import { readFlags } from './flags.js';
import { type RawInstruction, syntaxError, wordRange } from './raw-instruction.js';
import { splitWords } from './values/words.js';

/** A FROM: a stage as yet without its place among the others. */
export type StageStart = Omit<Stage, 'index' | 'instructions'>;

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

export function parseFrom(raw: RawInstruction): StageStart {
  const [base, as, writtenName, ...more] = splitWords(raw.args.text);
  const platform = readFlags(raw, { platform: { takes: 'text' } }).get('platform')?.value;
  if (base === undefined)
    throw syntaxError(raw, 'it names no image', { hint: 'Write "FROM image" or "FROM scratch".' });
  if (more.length > 0 || (as !== undefined && (writtenName === undefined || as.toUpperCase() !== 'AS'))) {
    throw syntaxError(raw, 'it has neither one nor three arguments', {
      hint: argumentsHint(base, as),
    });
  }
  const named = as === undefined || writtenName === undefined ? {} : parseAs(raw, as, writtenName);
  return {
    base: asTemplate(base),
    source: raw.source,
    text: raw.text,
    ...named,
    ...(platform !== undefined && platform !== '' && { platform: asTemplate(platform) }),
  };
}

/** A tag behind a blank is the most frequent cause; a comment is the next. */
function argumentsHint(base: string, second: string | undefined): string {
  if (second !== undefined && /^(?:v?\d[\w.-]*|latest|slim|alpine|stable)$/.test(second)) {
    return `Did you mean "FROM ${base}:${second}"?`;
  }
  return 'Write "FROM image" or "FROM image AS name"; a comment needs a line of its own.';
}

function parseAs(raw: RawInstruction, as: string, written: string): Pick<StageStart, 'name' | 'description'> {
  const name = parseStageName(raw, written);
  asCasing(raw.writtenKeyword, as).forEach(raw.report);
  definitionDescription('FROM', [name], raw.comments).forEach(raw.report);
  return { name, ...describedBy(raw.comments, name) };
}

function parseStageName(raw: RawInstruction, written: string): string {
  const name = written.toLowerCase();
  if (!STAGE_NAME.test(name)) {
    throw syntaxError(raw, `${quoted(written)} is no name for a stage`, {
      source: wordRange(raw, written),
      hint: 'A name begins with a letter; letters, digits, "-", "_" and "." may follow.',
    });
  }
  stageNameCasing(written).forEach(raw.report);
  return name;
}

import type { FileChange, KeyChange } from '../../builder/explain/key-change.js';
import { shortDigest } from '../../oci/digest.js';
import { escapeControls } from '../text/terminal-text.js';

/** So many files of a step are named. */
const NAMED_FILES = 10;

/** Why a step is done and was not found: a line each. */
export function changeLines(changes: readonly KeyChange[]): readonly string[] {
  return changes.flatMap(linesOf).map(escapeControls);
}

function linesOf(change: KeyChange): readonly string[] {
  switch (change.what) {
    case 'new':
      return ['no former build of this step is known'];
    case 'not-looked-for':
      return ['the cache was not to be used for it'];
    case 'forgotten':
      return ['nothing is different: what was remembered of it is no longer in the store'];
    case 'builder':
      return ['this version of tsbuild knows steps by something else'];
    case 'instruction':
      return [`instruction: "${change.before}" is now "${change.after}"`];
    case 'variable':
      return [variableLine(change)];
    case 'setting':
      return [`${change.name}: ${worded(change.before)} is now ${worded(change.after)}`];
    case 'base':
      return [baseLine(change)];
    case 'step':
      return [
        `${change.role === 'parent' ? 'an earlier step' : 'a step that it takes files from'} has changed: ${change.label}`,
      ];
    case 'files':
      return fileLines(change);
  }
}

function variableLine({ name, before, after }: Extract<KeyChange, { what: 'variable' }>): string {
  if (after === null) return `variable ${name}: "${before ?? ''}" is gone`;
  if (before === null) return `variable ${name}: "${after}" is new`;
  // Two values that may not be shown.
  return before === after ? `variable ${name}: another value` : `variable ${name}: "${before}" is now "${after}"`;
}

function worded(text: string): string {
  return text === '' ? 'none' : `"${text}"`;
}

function baseLine({ reference, before, after }: Extract<KeyChange, { what: 'base' }>): string {
  const was = before === null ? 'it was another image' : `it was ${shortDigest(before)}`;
  // The same manifest gave another file system only where the record came from a build on something else.
  return before === after ? `base image ${reference}` : `base image ${reference} is now ${shortDigest(after)}: ${was}`;
}

function fileLines({ files, total }: Extract<KeyChange, { what: 'files' }>): readonly string[] {
  if (total === 0) return ['the files that it takes are others'];
  const named = files.slice(0, NAMED_FILES).map(fileLine);
  const more = total - named.length;
  return more === 0 ? named : [...named, `and ${more} more ${more === 1 ? 'file' : 'files'}`];
}

function fileLine({ path, how, before, after }: FileChange): string {
  const shown = path === '' ? '.' : path;
  switch (how) {
    case 'added':
      return `file ${shown}: added`;
    case 'removed':
      return `file ${shown}: removed`;
    case 'content':
      return `file ${shown}: other content`;
    case 'attributes':
      return `file ${shown}: other extended attributes`;
    case 'mode':
    case 'owner':
    case 'type':
      return `file ${shown}: ${how} ${before ?? ''} is now ${after ?? ''}`;
  }
}

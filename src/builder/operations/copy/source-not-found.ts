import { baseName, parentPath } from '../../../support/byte-path.js';
import { bytesOfText, textOfBytes } from '../../../support/byte-string.js';
import { TsbuildError } from '../../../support/errors.js';
import { suggest } from '../../../support/suggest.js';
import type { CopyOrigin } from './copy-origin.js';

/** Why a path that a source names is not there: left out by a rule, called almost so, or in a folder that is not there itself. */
export function sourceNotFound(text: string, origin: CopyOrigin): TsbuildError {
  const { description } = origin;
  const rule = origin.ignoredBy(text);
  if (rule !== undefined) {
    const { pattern, source } = rule;
    const place = `line ${source.start.line} of ${source.file}`;
    return new TsbuildError('COPY_FAILED', `cannot copy "${text}": "${pattern}" leaves it out of ${description}`, {
      hint: `Take ${place} out, or add "!${text}" at the end of that file to take it in.`,
      details: { word: text },
    });
  }
  return new TsbuildError('COPY_FAILED', `cannot copy "${text}": not found in ${description}`, {
    hint: hintFor(text, origin),
    details: { word: text },
  });
}

function hintFor(text: string, { tree, description }: CopyOrigin): string {
  const path = bytesOfText(text);
  if (tree.lstat(path)?.type === 'symlink') {
    return `It is a symbolic link to what is not there: links are followed within ${description}, never out of it.`;
  }
  const parent = parentPath(path);
  const folder = tree.lstat(parent);
  if (folder === undefined) return `There is no "${textOfBytes(parent)}" either; paths are relative to the root of it.`;
  if (folder.type !== 'directory') return `"${textOfBytes(parent)}" is no directory.`;
  const near = suggest(textOfBytes(baseName(path)), tree.list(parent).map(textOfBytes));
  if (near === undefined) return `Paths are relative to the root of ${description}.`;
  return `Did you mean "${parent === '' ? near : `${textOfBytes(parent)}/${near}`}"?`;
}

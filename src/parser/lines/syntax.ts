import { TsbuildError } from '../../support/errors.js';
import { parseJson } from '../../support/parse-json.js';
import type { SourceRange } from '../../support/source-range.js';
import { isDockerfileFrontend } from '../dockerfile-frontend.js';
import type { SyntaxDirective } from '../instruction.js';
import { quoted } from '../quoted.js';
import { readDirective } from './directives.js';
import type { SourceText } from './source-text.js';

/**
 * The frontend that a file asks BuildKit to run for it: `# syntax=` among the directives, `//syntax=`, or the member of a JSON
 * document (directives.go, DetectSyntax); a first line `#!…` does not count. No frontend is ever run here: what the file says
 * is noted, and a file in a language of another frontend is refused.
 * @throws TsbuildError DOCKERFILE_UNSUPPORTED
 */
export function readSyntax(source: SourceText): SyntaxDirective | undefined {
  const found = findDirective(source, '#') ?? findDirective(source, '//') ?? findMember(source);
  if (found === undefined) return undefined;
  const { value, range, comment } = found;
  const frontend = value.split(' ', 1)[0] ?? '';
  if (comment !== '#' && !isDockerfileFrontend(frontend)) throw otherLanguage(frontend, range);
  return { frontend, source: range };
}

interface Found {
  readonly value: string;
  readonly range: SourceRange;
  readonly comment: string;
}

function findDirective(source: SourceText, comment: '#' | '//'): Found | undefined {
  for (const { text, from } of topLines(source)) {
    if (!text.startsWith(comment)) return undefined;
    const directive = readDirective(`#${text.slice(comment.length)}`);
    if (directive === undefined) return undefined;
    const range = source.range(from, from + text.trimEnd().length);
    if (directive.name === 'syntax') return { value: directive.value, range, comment };
  }
  return undefined;
}

function* topLines({ text, start }: SourceText): Generator<{ readonly text: string; readonly from: number }> {
  let from = text.startsWith('#!', start) ? nextLine(text, start) : start;
  while (from < text.length) {
    const next = nextLine(text, from);
    yield { text: text.slice(from, next), from };
    from = next;
  }
}

function nextLine(text: string, from: number): number {
  const lineFeed = text.indexOf('\n', from);
  return lineFeed === -1 ? text.length : lineFeed + 1;
}

function findMember({ text, start, range }: SourceText): Found | undefined {
  const brace = /^\s*\{/.exec(text.slice(start));
  const document = brace === null ? undefined : parseJson(text.slice(start));
  if (typeof document !== 'object' || document === null || !('syntax' in document)) return undefined;
  const { syntax } = document;
  const from = start + (brace?.[0].length ?? 1) - 1;
  return typeof syntax === 'string' ? { value: syntax, range: range(from, from + 1), comment: '' } : undefined;
}

function otherLanguage(frontend: string, source: SourceRange): TsbuildError {
  return new TsbuildError(
    'DOCKERFILE_UNSUPPORTED',
    `cannot read ${quoted(source.file)}: it is written for the frontend ${quoted(frontend)}`,
    { source, hint: 'Only Dockerfiles can be built here: build this file with BuildKit, which runs its frontend.' },
  );
}

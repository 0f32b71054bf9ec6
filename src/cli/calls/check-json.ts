import type { CheckResult } from '../../builder/check/check-dockerfile.js';
import type { SourceRange } from '../../support/source-range.js';
import { lastLine } from './source-excerpt.js';

/** What a check has found, as `docker build --call=check,format=json` prints it, without BuildKit's own graph of the source. */
export function checkJson({ warnings, error }: CheckResult, dockerfile: { name: string; text: string }): string {
  const document = {
    warnings: warnings.map(({ rule, description, url, message, source }) => ({
      ruleName: rule,
      description,
      ...(url !== undefined && { url }),
      detail: message,
      location: location(source),
    })),
    sources: [sourceInfo(dockerfile)],
    ...(error !== undefined && {
      buildError: { message: error.message, location: error.source === undefined ? {} : location(error.source) },
    }),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** Line by line, and lines alone: so has BuildKit it. */
export function location(source: SourceRange): object {
  const first = source.start.line;
  const lines = Array.from({ length: lastLine(source) - first + 1 }, (_, index) => first + index);
  return { ranges: lines.map((line) => ({ start: { line }, end: { line } })) };
}

function sourceInfo({ name, text }: { readonly name: string; readonly text: string }): object {
  return { filename: name, data: Buffer.from(text).toString('base64'), language: 'Dockerfile' };
}

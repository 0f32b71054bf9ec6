import type { CheckResult, CheckWarning } from '../../builder/check/check-dockerfile.js';
import { plainLine } from '../text/terminal-text.js';
import { sourceExcerpt } from './source-excerpt.js';

/** What a check has found, in the layout of `docker build --check`. */
export function checkText({ warnings, error }: CheckResult, source: string): string {
  const lines = [...heading(warnings.length), ...warnings.flatMap((warning) => warningLines(warning, source))];
  if (warnings.length === 0 && error === undefined) lines.push('Check complete, no warnings found.');
  return lines.map((line) => `${line}\n`).join('');
}

function heading(count: number): string[] {
  if (count === 0) return [];
  return [`Check complete, ${count === 1 ? '1 warning has' : `${count} warnings have`} been found!`];
}

function warningLines({ rule, url, message, source }: CheckWarning, text: string): string[] {
  return [
    '',
    `WARNING: ${rule}${url === undefined ? '' : ` - ${url}`}`,
    plainLine(message),
    ...sourceExcerpt(source, text),
  ];
}

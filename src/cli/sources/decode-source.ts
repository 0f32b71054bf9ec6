import { isUtf8 } from 'node:buffer';
import { TsbuildError, type ErrorCode } from '../../support/errors.js';

interface Kind {
  readonly shown: string;
  readonly code: ErrorCode;
  readonly what: string;
}

/**
 * Text of a Dockerfile or an ignore file, without a byte order mark. Bytes that are no UTF-8 are allowed in comments, as
 * BuildKit allows them: old files have the author's name there in Latin-1.
 * @throws `kind.code`, naming the line
 */
export function decodeSource(bytes: Uint8Array, kind: Kind): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (text.includes('\0')) {
    throw new TsbuildError(
      kind.code,
      `cannot read ${kind.what} "${kind.shown}": it is no text, it has a byte of value 0`,
      {
        hint: `Give a text file; UTF-16 must be converted to UTF-8 first.`,
      },
    );
  }
  if (!isUtf8(bytes)) checkLines(bytes, kind);
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function checkLines(bytes: Uint8Array, { shown, code, what }: Kind): void {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1').split('\n');
  for (const [index, line] of lines.entries()) {
    if (/^(?:\xef\xbb\xbf)?\s*#/.test(line) || isUtf8(Buffer.from(line, 'latin1'))) continue;
    throw new TsbuildError(code, `cannot read ${what} "${shown}": line ${index + 1} is not UTF-8`, {
      hint: 'Convert the file, as with: iconv -f latin1 -t utf-8.',
    });
  }
}

/** Go's unicode.IsSpace outside of ASCII. */
const WIDE_SPACE = /[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** Go's unicode.IsSpace, by which BuildKit trims and splits: JavaScript's `\s` lacks U+0085 and has U+FEFF besides. */
export function isSpace(character: string): boolean {
  if (character <= ' ') return character === ' ' || (character >= '\t' && character <= '\r');
  return character >= '\u0085' && WIDE_SPACE.test(character);
}

/** The white space that separates a keyword from its arguments, and the words of COPY, EXPOSE and FROM. */
export function isSeparator(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\v' || character === '\f';
}

/** Offset of the first character at or after `from` that is no white space, or the text's length. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charAt(at))) at++;
  return at;
}

/** Offset of the first white space at or after `from`, or the text's length. */
export function findSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isSpace(text.charAt(at))) at++;
  return at;
}

/** Offset after the last character that is no white space. */
export function endWithoutSpace(text: string): number {
  let end = text.length;
  while (end > 0 && isSpace(text.charAt(end - 1))) end--;
  return end;
}

export function trimSpace(text: string): string {
  return text.slice(skipSpace(text, 0), endWithoutSpace(text));
}

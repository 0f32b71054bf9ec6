import { isTerminal, type OutputStream } from '../output-stream.js';

/**
 * Whether what is written may be UTF-8 (POSIX, "Environment Variables": LC_ALL, else LC_CTYPE, else LANG). Where none is set, as in
 * most containers, the terminal in front of it has UTF-8 nevertheless.
 */
export function isUtf8({ LC_ALL, LC_CTYPE, LANG }: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [LC_ALL, LC_CTYPE, LANG].find((each) => each !== undefined && each !== '');
  return locale === undefined || /utf-?8/i.test(locale);
}

/** Whether a stream may be given UTF-8: in a file, bytes are bytes. */
export function takesUtf8(stream: OutputStream, env: Readonly<Record<string, string | undefined>>): boolean {
  return !isTerminal(stream) || isUtf8(env);
}

/**
 * For a terminal of another character set, to which bytes of UTF-8 would be other characters, some of them controls (ISO 6429 has
 * those at 0x80 to 0x9f): `?` for what is not ASCII.
 */
export function toAscii(text: string): string {
  return text.replaceAll('…', '...').replace(/[^\x00-\x7f]/gu, '?');
}

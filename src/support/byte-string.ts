declare const byteStringBrand: unique symbol;

/**
 * Bytes as a string of the characters U+0000 to U+00FF, one a byte ("latin1", "binary string").
 *
 * File names and tar fields on Linux are bytes, not text: a UTF-8 decoder would merge names that differ. In this form they
 * are Map keys, sort bytewise with `<`, split at `/`, and lose nothing.
 */
export type ByteString = string & { readonly [byteStringBrand]: true };

const ASCII = /^[\0-\x7f]*$/;

/** From text as JavaScript has it: its UTF-8 bytes. */
export function bytesOfText(text: string): ByteString {
  return (ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')) as ByteString;
}

/** For people to read: decoded as UTF-8, with U+FFFD where that is not possible. */
export function textOfBytes(bytes: ByteString): string {
  return ASCII.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

export function byteString(buffer: Uint8Array): ByteString {
  return Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength).toString('latin1') as ByteString;
}

export function bufferOf(bytes: ByteString): Buffer {
  return Buffer.from(bytes, 'latin1');
}

/** As an argument of `node:fs`: a string where text and bytes agree, else a Buffer. */
export function fsPath(bytes: ByteString): string | Buffer {
  return ASCII.test(bytes) ? bytes : Buffer.from(bytes, 'latin1');
}

/** For the total order that outputs are sorted by: bytewise, whatever the locale. */
export function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

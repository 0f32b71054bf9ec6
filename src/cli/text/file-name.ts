import { isUtf8 } from 'node:buffer';
import { bufferOf, textOfBytes, type ByteString } from '../../support/byte-string.js';

const BEYOND_ASCII = /[\x80-\xff]/;

/** A path for people and JSON: as UTF-8; where it is none, bytes beyond ASCII are written `\xff`, so that no two paths look alike. */
export function fileNameText(path: ByteString): string {
  if (!BEYOND_ASCII.test(path)) return path;
  if (isUtf8(bufferOf(path))) return textOfBytes(path);
  return path.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

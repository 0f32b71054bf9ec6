import { isUtf8 } from 'node:buffer';
import { bufferOf, textOfBytes, type ByteString } from '../../support/byte-string.js';

/** A path for people and JSON: as UTF-8; where it is none, bytes beyond ASCII are written `\xff`, so that no two paths look alike. */
export function fileNameText(path: ByteString): string {
  if (isUtf8(bufferOf(path))) return textOfBytes(path);
  return path.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

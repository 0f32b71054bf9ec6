import { createHash } from 'node:crypto';
import { readCsvFields } from '../../parser/instructions/values/csv-fields.js';
import { plain } from '../evaluate/type-constraint.js';
import { shown, ValueError, type Value } from '../value.js';
import { fixed, ofTexts, withNull, type BakeFunction, type Functions } from './signature.js';

const hash = (algorithm: 'md5' | 'sha1' | 'sha256' | 'sha512'): BakeFunction =>
  ofTexts(1, (value) => createHash(algorithm).update(value).digest('hex'));

export const ENCODING_FUNCTIONS: Functions = {
  base64decode: ofTexts(1, decodeBase64),
  base64encode: ofTexts(1, (value) => Buffer.from(value).toString('base64')),
  csvdecode: ofTexts(1, decodeCsv),
  jsondecode: ofTexts(1, decodeJson),
  jsonencode: withNull(fixed(1, (value) => goJson(value))),
  md5: hash('md5'),
  sha1: hash('sha1'),
  sha256: hash('sha256'),
  sha512: hash('sha512'),
  urlencode: ofTexts(1, encodeUrl),
  uuidv5: ofTexts(2, uuidOf),
};

function decodeBase64(value: string): Value {
  const bytes = Buffer.from(value, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== value.replace(/=+$/, '')) throw new ValueError('it is no base64');
  const text = bytes.toString('utf8');
  if (Buffer.from(text).equals(bytes)) return text;
  throw new ValueError('what is encoded is no UTF-8 text');
}

/** The first line has the names of the columns. */
function decodeCsv(value: string): Value {
  const [header = [], ...rows] = value
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => {
      const fields = readCsvFields(line);
      if (fields === undefined) throw new ValueError(`${shown(line)} is no line of CSV`);
      return fields.map(({ text }) => text);
    });
  return rows.map((row) => {
    if (row.length !== header.length)
      throw new ValueError(`a line has ${row.length} fields, and the first ${header.length}`);
    return new Map(header.map((name, index) => [name, row[index] ?? '']));
  });
}

function decodeJson(value: string): Value {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ValueError('it is no JSON');
  }
  return valueOf(parsed);
}

/** Of what JSON.parse gives. */
export function valueOf(parsed: unknown): Value {
  if (parsed === null || typeof parsed === 'boolean' || typeof parsed === 'number' || typeof parsed === 'string') {
    return parsed;
  }
  if (Array.isArray(parsed)) return parsed.map(valueOf);
  return new Map(Object.entries(parsed as object).map(([key, item]): [string, Value] => [key, valueOf(item)]));
}

/** Go's encoder escapes what HTML could take for its own. */
export function goJson(value: Value): string {
  return JSON.stringify(plain(value)).replaceAll(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Go's url.QueryEscape. */
function encodeUrl(value: string): string {
  return encodeURIComponent(value)
    .replaceAll('%20', '+')
    .replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** RFC 9562, 6.6 */
const NAMESPACES: Readonly<Record<string, string>> = {
  dns: '6ba7b8109dad11d180b400c04fd430c8',
  url: '6ba7b8119dad11d180b400c04fd430c8',
  oid: '6ba7b8129dad11d180b400c04fd430c8',
  x500: '6ba7b8149dad11d180b400c04fd430c8',
};

/** RFC 9562, 5.5 */
function uuidOf(namespace: string, name: string): Value {
  const known = Object.hasOwn(NAMESPACES, namespace) ? NAMESPACES[namespace] : undefined;
  const hex = known ?? namespace.replaceAll('-', '').toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) throw new ValueError(`${shown(namespace)} is no namespace of UUIDs`);
  const bytes = createHash('sha1').update(Buffer.from(hex, 'hex')).update(name).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

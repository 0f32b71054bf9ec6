import { readdir } from 'node:fs/promises';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { readUpTo } from '../../support/read-up-to.js';

/** No configuration that a person writes is larger. */
const LIMIT_BYTES = 4 * 1024 * 1024;

/** A configuration file's text, or `undefined` where there is none. @throws `CONFIG_INVALID` */
export async function readConfigFile(file: string): Promise<string | undefined> {
  try {
    const bytes = await readUpTo(file, LIMIT_BYTES);
    if (bytes === undefined) return undefined;
    if (bytes.length > LIMIT_BYTES) throw configInvalid(file, `it is larger than ${LIMIT_BYTES} bytes`);
    return textOf(bytes);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === undefined || error instanceof TsbuildError) throw error;
    throw configInvalid(file, code === 'EACCES' ? 'permission denied' : code, { cause: error });
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}

/** The names in a folder, sorted bytewise; none when there is no folder. */
export async function listConfigFolder(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    if (code === undefined) throw error;
    throw configInvalid(folder, code, { cause: error });
  }
}

/** @throws `CONFIG_INVALID` naming file and line */
export function parseJsonFile(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The parser's message is not passed on: it quotes the text, which may hold passwords.
    throw configInvalid(file, 'it is no JSON', { line: brokenLine(text) });
  }
}

/**
 * V8 says where only of some mistakes. Up to the line before the mistake the text only ends too early, and no token of JSON spans lines: the
 * first line with which something else is wrong is the one.
 */
function brokenLine(text: string): number {
  const lines = text.split('\n');
  let [low, high] = [1, lines.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (onlyEndsEarly(lines.slice(0, middle).join('\n'))) low = middle + 1;
    else high = middle;
  }
  return low;
}

function onlyEndsEarly(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const position = /at position (\d+)/.exec(error.message)?.[1];
    return position === undefined ? error.message.includes('end of JSON input') : Number(position) >= text.length;
  }
}

export function configInvalid(
  file: string,
  state: string,
  options: { readonly line?: number; readonly cause?: unknown; readonly hint?: string } = {},
): TsbuildError {
  const { line, cause, hint } = options;
  const place = line === undefined ? file : `${file}:${line}`;
  return new TsbuildError('CONFIG_INVALID', `cannot use configuration "${place}": ${state}`, {
    hint: hint ?? 'Correct the file, or remove it if it is not needed.',
    cause,
    details: { file, ...(line === undefined ? {} : { line }) },
    ...(line === undefined ? {} : { source: { file, start: { line, column: 1 }, end: { line: line + 1, column: 1 } } }),
  });
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemErrorCode } from '../../support/errors.js';
import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';

const RUN = { command: 'tsbuild run' };

/**
 * The variables of `--env-file` and `--env`, as `NAME=value`, those of options after those of files. As with Docker, a name alone is
 * taken from the caller's environment, and is not set where it is not there.
 * @throws `USAGE`
 */
export async function readEnvironment(
  parsed: ParsedArguments,
  { env, cwd }: Pick<Host, 'env' | 'cwd'>,
): Promise<readonly string[]> {
  const ofFiles: string[] = [];
  for (const file of parsed.list('env-file')) {
    for (const line of await linesOf(file, cwd)) ofFiles.push(...variable(line, env, `--env-file "${file}"`));
  }
  return [...ofFiles, ...parsed.list('env').flatMap((word) => variable(word, env, `--env "${word}"`))];
}

function variable(word: string, env: Host['env'], option: string): readonly string[] {
  const equals = word.indexOf('=');
  const name = equals === -1 ? word : word.slice(0, equals);
  if (name === '' || /\s/.test(name)) {
    throw usageError(RUN, `cannot use ${option}: "${name}" is no name of a variable`, 'Write NAME=value, or NAME.');
  }
  if (word.includes('\0')) throw usageError(RUN, `cannot use ${option}: the value of "${name}" has a null byte`);
  if (equals !== -1) return [word];
  const value = env[name];
  return value === undefined ? [] : [`${name}=${value}`];
}

/** A value goes to the end of its line, quotes and blanks included. */
async function linesOf(file: string, cwd: string): Promise<readonly string[]> {
  const text = await textOf(file, cwd);
  const lines = text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((line) => line.trimStart());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

async function textOf(file: string, cwd: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    const state = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw usageError(RUN, `cannot use --env-file "${file}": ${state}`);
  }
}

import { runCommand } from '../../support/child-process.js';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../../support/errors.js';
import type { Credential } from './credentials.js';

/** How docker-credential helpers say that they have nothing (docker-credential-helpers, credentials/error.go). */
const NOTHING_KEPT = 'credentials not found in native keychain';
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024;

/**
 * Asks the program `docker-credential-<name>` for the credentials of a server.
 * @returns `null` when it has none
 * @throws `CONFIG_INVALID` when it cannot be asked; its output, which may hold secrets, is not shown
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credential | null> {
  // The name becomes part of a program's name: it must not lead out of PATH.
  if (!/^[A-Za-z0-9._-]+$/.test(name))
    throw failure(name, 'its name may have letters, digits, dots, dashes and underscores');
  const { exitCode, stdout } = await run(`docker-credential-${name}`, server, { name, env });
  const output = stdout.toString('utf8').trim();
  if (exitCode !== 0 && output.includes(NOTHING_KEPT)) return null;
  if (exitCode !== 0) throw failure(name, `it ended with status ${exitCode ?? 'unknown'}`);
  return decodeAnswer(name, output);
}

async function run(
  program: string,
  input: string,
  { name, env }: { readonly name: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<{ readonly exitCode: number | null; readonly stdout: Buffer }> {
  const environment: Record<string, string> = {};
  for (const [key, value] of Object.entries(env)) if (value !== undefined) environment[key] = value;
  const limits = { timeoutMs: TIMEOUT_MS, maxOutputBytes: MAX_OUTPUT_BYTES };
  try {
    return await runCommand(program, ['get'], { input, env: environment, ...limits });
  } catch (error) {
    if (isTsbuildError(error)) throw error;
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw failure(name, code === 'ENOENT' ? `the program ${program} is not in PATH` : `${program} failed (${code})`);
  }
}

function decodeAnswer(name: string, output: string): Credential | null {
  const { Username: username, Secret: secret } = parseAnswer(name, output);
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw failure(name, 'it answered without a user and a secret');
  if (secret === '') return null;
  return username === '<token>'
    ? { kind: 'refresh-token', token: secret }
    : { kind: 'password', username, password: secret };
}

function parseAnswer(name: string, output: string): { readonly Username?: unknown; readonly Secret?: unknown } {
  try {
    const answer: unknown = JSON.parse(output);
    if (typeof answer === 'object' && answer !== null) return answer;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw failure(name, 'it answered with something else than JSON');
}

function failure(name: string, state: string): TsbuildError {
  return new TsbuildError('CONFIG_INVALID', `cannot ask credential helper "${name}": ${state}`, {
    hint: 'Correct credsStore or credHelpers in the Docker configuration, or install the helper.',
  });
}

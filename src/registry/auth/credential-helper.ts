import { runCommand } from '../../support/child-process.js';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../../support/errors.js';
import type { Credential } from './credentials.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** How docker-credential helpers say that they have nothing (docker-credential-helpers, credentials/error.go). */
const NOTHING_KEPT = 'credentials not found in native keychain';
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024;

/**
 * Asks the program `docker-credential-<name>` for the credentials of a server.
 * @returns `null` when it has none
 * @throws `CONFIG_INVALID` when it cannot be asked; its output, which may hold secrets, is not shown
 */
export async function askCredentialHelper(name: string, server: string, env: Environment): Promise<Credential | null> {
  const output = await run({ name, action: 'get', env }, server);
  return output === null ? null : decodeAnswer(name, output);
}

/** Has the program keep the credentials of a server. @throws `CONFIG_INVALID` */
export async function storeInCredentialHelper(
  name: string,
  { server, username, password }: { readonly server: string; readonly username: string; readonly password: string },
  env: Environment,
): Promise<void> {
  const input = JSON.stringify({ ServerURL: server, Username: username, Secret: password });
  await run({ name, action: 'store', env }, input);
}

/** Has the program forget the credentials of a server. @returns whether it had any @throws `CONFIG_INVALID` */
export async function eraseInCredentialHelper(name: string, server: string, env: Environment): Promise<boolean> {
  const kept = await askCredentialHelper(name, server, env);
  if (kept === null) return false;
  await run({ name, action: 'erase', env }, server);
  return true;
}

interface Call {
  readonly name: string;
  readonly action: 'get' | 'store' | 'erase';
  readonly env: Environment;
}

/** What the program prints, or `null` when it says that it keeps nothing of the kind. */
async function run(call: Call, input: string): Promise<string | null> {
  const { name } = call;
  // The name becomes part of a program's name: it must not lead out of PATH.
  if (!/^[A-Za-z0-9._-]+$/.test(name))
    throw failure(name, 'its name may have letters, digits, dots, dashes and underscores');
  const { exitCode, stdout } = await start(call, input);
  const output = stdout.toString('utf8').trim();
  if (exitCode !== 0 && output.includes(NOTHING_KEPT)) return null;
  if (exitCode !== 0) throw failure(name, `it ended with status ${exitCode ?? 'unknown'}`);
  return output;
}

async function start(
  { name, action, env }: Call,
  input: string,
): Promise<{ readonly exitCode: number | null; readonly stdout: Buffer }> {
  const program = `docker-credential-${name}`;
  const environment: Record<string, string> = {};
  for (const [key, value] of Object.entries(env)) if (value !== undefined) environment[key] = value;
  const limits = { timeoutMs: TIMEOUT_MS, maxOutputBytes: MAX_OUTPUT_BYTES };
  try {
    return await runCommand(program, [action], { input, env: environment, ...limits });
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

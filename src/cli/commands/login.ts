import { registryOf } from '../../toolchain/transfer/login.js';
import { TsbuildError } from '../../support/errors.js';
import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { readRegistrySettings } from '../options/registry-options.js';
import { environment } from './open-toolchain.js';
import { ask, firstLine } from '../prompt.js';

const LOGIN = { command: 'tsbuild login' };

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const [server = 'docker.io'] = parsed.positionals;
  const registry = registryOf(server);
  const { username, password } = await readUser(parsed, host);
  const { login } = await import('../../toolchain/transfer/login.js');
  const registries = readRegistrySettings(parsed, host, []);
  const options = { env: environment(parsed, host), registries, signal: host.signal };
  const keeper = await login({ registry, username, password }, options);
  if (keeper.kind === 'file') {
    const warning = `WARNING: the password is kept unencrypted in ${keeper.file}, for you alone to read.\n`;
    await print(host.stderr, `${warning}A credential helper (credsStore in that file) would keep it in a key chain.\n`);
  }
  await print(host.stdout, 'Login Succeeded\n');
}

async function readUser(
  parsed: ParsedArguments,
  host: Host,
): Promise<{ readonly username: string; readonly password: string }> {
  const given = parsed.value('username');
  const fromStdin = parsed.flag('password-stdin');
  const inline = parsed.value('password');
  if (fromStdin && inline !== undefined)
    throw usageError(
      LOGIN,
      'cannot take the password from two places: --password and --password-stdin exclude each other',
    );
  if (fromStdin && (given ?? '') === '')
    throw usageError(LOGIN, 'cannot log in without a user name: --password-stdin needs --username');
  if (inline !== undefined) {
    await print(host.stderr, 'WARNING: --password shows in the list of processes. Use --password-stdin.\n');
  }
  const username = given ?? (await ask(host, { question: 'Username: ', hidden: false }));
  const password =
    inline ?? (fromStdin ? await firstLine(host) : await ask(host, { question: 'Password: ', hidden: true }));
  if (username === '') throw missing('user name', '--username');
  if (password === '') throw missing('password', '--password-stdin');
  return { username, password };
}

function missing(what: string, option: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot log in: the ${what} is empty`, { hint: `Give one with ${option}.` });
}

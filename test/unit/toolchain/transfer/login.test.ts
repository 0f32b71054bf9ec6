import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCli } from '../../../../src/cli/run-cli.js';
import { registryOf } from '../../../../src/toolchain/transfer/login.js';
import { errorReply, type Script } from '../../../../src/testing/exchange.js';
import { startScriptedRegistry } from '../../../../src/testing/scripted-registry.js';
import { testHost } from '../../cli/test-host.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-login-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const BASIC = `Basic ${Buffer.from('me:hunter2').toString('base64')}`;
const wantsBasic: Script = ({ headers }) =>
  headers['authorization'] === BASIC
    ? { status: 200, body: '{}' }
    : { ...errorReply(401, 'UNAUTHORIZED'), headers: { 'www-authenticate': 'Basic realm="r"' } };
const wantsToken: Script = ({ path, headers }) => {
  if (path.startsWith('/token')) {
    return headers['authorization'] === BASIC
      ? { status: 200, body: '{"token":"t"}' }
      : errorReply(401, 'UNAUTHORIZED');
  }
  if (headers['authorization'] === 'Bearer t') return { status: 200, body: '{}' };
  const challenge = `Bearer realm="http://${headers['host']}/token",service="s"`;
  return { ...errorReply(401, 'UNAUTHORIZED'), headers: { 'www-authenticate': challenge } };
};

interface Outcome {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

async function cli(words: readonly string[], stdin = ''): Promise<Outcome> {
  const host = testHost({ env: { HOME: folder, DOCKER_CONFIG: join(folder, 'docker') }, stdin });
  const status = await runCli(words, host);
  return { status, output: host.output(), errors: host.errors() };
}
const kept = async (): Promise<string> =>
  readFile(join(folder, 'docker/config.json'), 'utf8').catch(() => 'nothing is kept');

describe.each<[string, Script]>([
  ['asks for the password itself', wantsBasic],
  ['sends to a token service', wantsToken],
])('a registry that %s', (_what, script) => {
  test('lets in who knows the password, and forgets him at logout', async () => {
    await using registry = await startScriptedRegistry(script);
    const done = await cli(['login', '-u', 'me', '--password-stdin', registry.host], 'hunter2\n');
    expect(done).toMatchObject({ status: 0, output: 'Login Succeeded\n' });
    expect(done.errors).toMatch(/WARNING: the password is kept unencrypted in .*config\.json/);
    expect(await kept()).toContain(registry.host);
    const out = await cli(['logout', registry.host]);
    expect(out).toMatchObject({ status: 0, output: `Removing login credentials for ${registry.host}\n` });
    expect((await cli(['logout', registry.host])).output).toBe(`Not logged in to ${registry.host}\n`);
  });

  test('keeps others out, and nothing is kept', async () => {
    await using registry = await startScriptedRegistry(script);
    const { status, errors } = await cli(['login', '-u', 'me', '--password-stdin', registry.host], 'wrong-one');
    expect(status).toBe(7);
    expect(errors).toContain(`cannot log in to "${registry.host}"`);
    expect(errors).toContain('Check the user name and the password');
    expect(errors).not.toContain('wrong-one');
    expect(await kept()).toBe('nothing is kept');
  });
});

test('what is no registry is told apart from a wrong password', async () => {
  await using registry = await startScriptedRegistry(() => ({ status: 404, body: '<html>' }));
  const { status, errors } = await cli(['login', '-u', 'me', '-p', 'x', registry.host]);
  expect(status).toBe(7);
  expect(errors).toContain('does not answer as a registry does');
  expect(errors).toContain('WARNING: --password shows in the list of processes');
});

test.each<[string, readonly string[], string, RegExp]>([
  ['no terminal', ['login', 'a.example'], '', /there is no terminal to ask at/],
  ['no user', ['login', '--password-stdin', 'a.example'], 'x', /needs --username/],
  ['two passwords', ['login', '-u', 'me', '-p', 'x', '--password-stdin', 'a.example'], 'x', /two places/],
  ['an empty password', ['login', '-u', 'me', '--password-stdin', 'a.example'], '\n', /the password is empty/],
  ['an image for a registry', ['login', 'a.example/x'], '', /cannot read registry "a\.example\/x"/],
])('%s is a mistake in the command line', async (_what, words, stdin, message) => {
  expect(await cli(words, stdin)).toMatchObject({ status: 2, errors: expect.stringMatching(message) });
});

test.each([
  ['docker.io', 'docker.io'],
  ['https://index.docker.io/v1/', 'docker.io'],
  ['registry-1.docker.io', 'docker.io'],
  ['https://a.example', 'a.example'],
  ['a.example:5000/', 'a.example:5000'],
  ['localhost', 'localhost'],
])('"%s" is the registry %s', (text, registry) => {
  expect(registryOf(text)).toBe(registry);
});

test.each(['', 'myhost', 'a b.example', 'a.example:x', '-a.example'])('"%s" is no registry', (text) => {
  expect(() => registryOf(text)).toThrow(/cannot read/);
});

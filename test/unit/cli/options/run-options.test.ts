import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseArguments } from '../../../../src/cli/argv.js';
import { argumentsSpec } from '../../../../src/cli/command.js';
import { findCommand } from '../../../../src/cli/tables/command-table.js';
import type { Host } from '../../../../src/cli/host.js';
import { readRunOptions } from '../../../../src/cli/options/run-options.js';

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-options-'));
  writeFileSync(join(place, 'token'), 'from file\n');
  writeFileSync(join(place, 'large'), Buffer.alloc(500 * 1024 + 1));
  writeFileSync(join(place, 'full'), Buffer.alloc(500 * 1024));
});
afterAll(() => rmSync(place, { recursive: true }));

function read(words: readonly string[], env: Record<string, string> = {}) {
  const command = findCommand('build');
  if (command === undefined) throw new Error('no build');
  const host = { cwd: place, env } as unknown as Host;
  return readRunOptions(parseArguments([...words, '.'], argumentsSpec(command)), host);
}

describe('--secret', () => {
  const ENV = { TOKEN: 'from env', token: 'also env' };
  test.each([
    ['id=x,src=token', 'from file\n'],
    ['id=x,source=token,type=file', 'from file\n'],
    ['type=file,id=x,"src=token"', 'from file\n'],
    ['id=x,env=TOKEN', 'from env'],
    ['id=x,type=env,src=TOKEN', 'from env'],
    ['id=x,type=env,env=TOKEN', 'from env'],
    ['ID=x,ENV=TOKEN', 'from env'],
    ['id=x,env=UNSET', ''],
  ])('%s', async (word, value) => {
    expect(Buffer.from((await read(['--secret', word], ENV)).secrets['x'] ?? []).toString()).toBe(value);
  });

  test('without a source it is the variable of its name, and where there is none the file', async () => {
    expect(Object.keys((await read(['--secret', 'id=TOKEN'], ENV)).secrets)).toEqual(['TOKEN']);
    const values = [await read(['--secret', 'id=token'], ENV), await read(['--secret', 'id=token'])];
    expect(values.map(({ secrets }) => String(secrets['token']))).toEqual(['also env', 'from file\n']);
  });

  test('of several of one id the last counts', async () => {
    const { secrets } = await read(['--secret', 'id=x,src=token', '--secret', 'id=x,env=TOKEN'], ENV);
    expect(String(secrets['x'])).toBe('from env');
  });

  test('may have 500 KiB', async () => {
    expect((await read(['--secret', 'id=x,src=full'])).secrets['x']).toHaveLength(500 * 1024);
  });

  test.each([
    ['src=token', 'it has no id'],
    ['id=x,src=none', 'there is no file "none"'],
    ['id=none', 'there is no file "none"'],
    ['id=x,src=.', '"." cannot be read (EISDIR)'],
    ['id=x,src=large', 'it is longer than 500 KiB'],
    ['id=x,kind=y', '"kind=y" is none of its options'],
    ['x', '"x" is none of its options'],
    ['id=x,type=vault', 'there is no type "vault"'],
  ])('%s is refused: %s', async (word, state) => {
    await expect(read(['--secret', word])).rejects.toMatchObject({
      code: 'USAGE',
      message: `cannot use --secret "${word}": ${state}`,
    });
  });
});

describe('--ssh', () => {
  test.each<[string, string[]]>([
    ['default', ['/run/agent']],
    ['git', ['/run/agent']],
    ['git=key', ['key']],
    ['git=key,../other', ['key', '../other']],
    ['git=/abs', ['/abs']],
  ])('%s', async (word, paths) => {
    const { ssh } = await read(['--ssh', word], { SSH_AUTH_SOCK: '/run/agent' });
    const id = word.split('=')[0];
    expect(ssh).toEqual([{ id, paths: paths.map((path) => (path.startsWith('/') ? path : join(place, path))) }]);
  });

  test('without an agent says how to have one', async () => {
    await expect(read(['--ssh', 'default'])).rejects.toMatchObject({
      code: 'USAGE',
      message: 'cannot use --ssh "default": SSH_AUTH_SOCK names no agent',
      hint: expect.stringContaining('eval "$(ssh-agent)" && ssh-add. Or give a key: --ssh default=FILE.'),
    });
  });
});

describe('what else steps are given', () => {
  test('is nothing by default', async () => {
    expect(await read([])).toEqual({
      secrets: {},
      ssh: [],
      entitlements: [],
      hosts: [],
      limits: [],
      shmSizeBytes: undefined,
      cdiDirectories: ['/etc/cdi', '/var/run/cdi'],
    });
  });

  test.each([
    [['--allow', 'network.host', '--allow=security.insecure'], { entitlements: ['network.host', 'security.insecure'] }],
    [['--allow', 'device', '--allow', 'device=v.com/c=a'], { entitlements: ['device', 'device=v.com/c=a'] }],
    [['--add-host', 'a.b:192.0.2.1'], { hosts: [{ name: 'a.b', address: '192.0.2.1' }] }],
    [['--add-host', 'a=::1'], { hosts: [{ name: 'a', address: '::1' }] }],
    [['--add-host', 'a:[::1]'], { hosts: [{ name: 'a', address: '::1' }] }],
    [['--add-host', 'up:host-gateway'], { hosts: [{ name: 'up', address: '127.0.0.1' }] }],
    [['--ulimit', 'nofile=5'], { limits: [{ name: 'nofile', soft: 5, hard: 5 }] }],
    [['--ulimit', 'core=0:-1'], { limits: [{ name: 'core', soft: 0, hard: Infinity }] }],
    [['--shm-size', '1g'], { shmSizeBytes: 1 << 30 }],
    [['--cdi-config-dir', 'cdi'], { cdiDirectories: expect.arrayContaining(['/etc/cdi']) }],
  ])('%j', async (words, options) => {
    expect(await read(words)).toMatchObject(options);
  });

  test.each([
    [['--allow', 'network'], 'there is no such entitlement'],
    [['--allow', 'device='], 'there is no such entitlement'],
    [['--add-host', 'a'], 'it has no name'],
    [['--add-host', 'a b:192.0.2.1'], 'it has no name'],
    [['--add-host', 'a:1.2.3'], '"1.2.3" is no address'],
    [['--add-host', 'a:192.0.2.1\nx'], 'it has no name'],
    [['--ulimit', 'nofile'], 'it is not of that form'],
    [['--ulimit', 'nofile=2:1'], 'the soft limit is above the hard one'],
    [['--shm-size', '0'], 'it is no size'],
    [['--shm-size', 'big'], 'it is no size'],
  ])('%j is refused', async (words, state) => {
    await expect(read(words)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(state) });
  });
});

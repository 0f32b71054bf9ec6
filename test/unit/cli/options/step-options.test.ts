import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseArguments } from '../../../../src/cli/argv.js';
import { findCommand } from '../../../../src/cli/tables/command-table.js';
import { argumentsSpec } from '../../../../src/cli/command.js';
import { readProxyVariables } from '../../../../src/cli/proxy-variables.js';
import { readStepOptions } from '../../../../src/cli/options/step-options.js';

function read(words: readonly string[]) {
  const command = findCommand('build');
  if (command === undefined) throw new Error('no build');
  return readStepOptions(parseArguments([...words, '.'], argumentsSpec(command)));
}

describe('what a step may use', () => {
  test('nothing given is no bound, and no part of a request', () => {
    expect(read([])).toEqual({});
  });

  test.each<[string[], object]>([
    [['-m', '2g'], { memoryBytes: 2 * 1024 ** 3 }],
    [['--memory=512m', '--memory-swap=1g'], { memoryBytes: 512 << 20, memorySwapBytes: 1024 ** 3 }],
    [['--memory=512m', '--memory-swap=-1'], { memoryBytes: 512 << 20, memorySwapBytes: Infinity }],
    [['--cpus', '1.5'], { cpuQuotaMicroseconds: 150_000, cpuPeriodMicroseconds: 100_000 }],
    [['--cpus', '.01'], { cpuQuotaMicroseconds: 1000, cpuPeriodMicroseconds: 100_000 }],
    [['--cpu-quota=20000'], { cpuQuotaMicroseconds: 20_000 }],
    [['--cpu-period=50000'], { cpuPeriodMicroseconds: 50_000 }],
    [['--cpu-shares=512'], { cpuShares: 512 }],
    [['--cpuset-cpus=0-3,8', '--cpuset-mems', '0'], { processors: '0-3,8', memoryNodes: '0' }],
  ])('%j', (words, allowance) => {
    const given = Object.entries(read(words).allowance ?? {}).filter(([, value]) => value !== undefined);
    expect(Object.fromEntries(given)).toEqual(allowance);
  });

  test.each([
    [['--memory', 'much'], 'cannot use --memory "much": it is no size'],
    [['--memory', '1m'], 'less than 6 MiB'],
    [['--memory-swap', '1g'], 'it needs a limit of memory'],
    [['--memory=1g', '--memory-swap=512m'], 'it is less than --memory'],
    [['--memory=1g', '--memory-swap=x'], 'it is no size'],
    [['--cpus=0'], 'it is no number of processors'],
    [['--cpus=1e3'], 'it is no number of processors'],
    [['--cpus=1', '--cpu-quota=5000'], 'the same in other words'],
    [['--cpu-quota=999'], 'it is out of range'],
    [['--cpu-period=1000001'], 'it is out of range'],
    [['--cpu-shares=1'], 'it is out of range'],
    [['--cpuset-cpus=all'], 'it is no list of numbers'],
    [['--cpuset-mems=0-'], 'it is no list of numbers'],
  ])('%j is refused', (words, message) => {
    expect(() => read(words)).toThrow(message);
  });
});

describe('whom a step asks for addresses', () => {
  test('servers, domains and options, as often as they are given', () => {
    const words = ['--dns', '192.0.2.7', '--dns=2001:db8::7', '--dns-search', 'a.test', '--dns-option', 'ndots:2'];
    expect(read(words)).toEqual({
      nameResolution: { servers: ['192.0.2.7', '2001:db8::7'], searches: ['a.test'], options: ['ndots:2'] },
    });
  });

  test.each([
    [['--dns', 'dns.test'], 'cannot use --dns "dns.test": it is no address'],
    [['--dns-search', 'a b'], 'it is not one word'],
    [['--dns-option', 'x\nnameserver 192.0.2.66'], 'it is not one word'],
    [['--dns-option', ''], 'it is not one word'],
  ])('%j is refused', (words, message) => {
    expect(() => read(words)).toThrow(message);
  });
});

describe('readProxyVariables()', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'tsbuild-proxies-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));
  const configure = (text: string, folder = join(home, '.docker')): void => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'config.json'), text);
  };

  test('gives each in capitals and without, and keeps two that differ', async () => {
    const env = { HTTP_PROXY: 'http://a:1', https_proxy: 'http://b:2', NO_PROXY: 'x', no_proxy: 'y', FTP_PROXY: '' };
    expect(await readProxyVariables({ env, home })).toEqual({
      HTTP_PROXY: 'http://a:1',
      http_proxy: 'http://a:1',
      HTTPS_PROXY: 'http://b:2',
      https_proxy: 'http://b:2',
      NO_PROXY: 'x',
      no_proxy: 'y',
    });
  });

  const PROXIES = {
    default: { httpProxy: 'http://c:3', noProxy: 'z', allProxy: 'socks5://d:4' },
    'tcp://build.test:2375': { httpProxy: 'http://e:5' },
  };

  test("takes from Docker's configuration what the environment does not have", async () => {
    configure(JSON.stringify({ auths: {}, proxies: PROXIES }));
    expect(await readProxyVariables({ env: { no_proxy: 'mine' }, home })).toEqual({
      HTTP_PROXY: 'http://c:3',
      http_proxy: 'http://c:3',
      NO_PROXY: 'mine',
      no_proxy: 'mine',
      ALL_PROXY: 'socks5://d:4',
      all_proxy: 'socks5://d:4',
    });
  });

  test('knows the set of the daemon that DOCKER_HOST names, and the folder that DOCKER_CONFIG names', async () => {
    const folder = join(home, 'elsewhere');
    configure(JSON.stringify({ proxies: PROXIES }), folder);
    const env = { DOCKER_CONFIG: folder, DOCKER_HOST: 'tcp://build.test:2375' };
    expect(await readProxyVariables({ env, home })).toEqual({ HTTP_PROXY: 'http://e:5', http_proxy: 'http://e:5' });
  });

  test.each([
    ['no JSON', '{"proxies": ', 'it is no JSON'],
    ['a list', '{"proxies": []}', 'proxies is no object'],
    ['a word for a set', '{"proxies": {"default": "http://x"}}', 'proxies["default"] is no object'],
    ['a number', '{"proxies": {"default": {"httpProxy": 8080}}}', 'proxies["default"].httpProxy is no string'],
  ])('refuses %s', async (_, text, message) => {
    configure(text);
    await expect(readProxyVariables({ env: {}, home })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message) as string,
    });
  });
});

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  explainRestriction,
  inUserNamespace,
  parseSubordinateIds,
  planUserNamespace,
} from '../../../src/support/user-namespace.js';
import { requirement } from '../../support/require.js';

describe('parseSubordinateIds()', () => {
  test('gives the ranges of a user, by name or number, in order', () => {
    const text = 'root:1:65536\nann:100000:65536\n1000:300000:10\nann:200000:5\n';
    expect(parseSubordinateIds(text, ['1000', 'ann'])).toEqual([
      { first: 100000, length: 65536 },
      { first: 300000, length: 10 },
      { first: 200000, length: 5 },
    ]);
  });

  test.each([
    'ann:0:65536',
    'ann:100000:0',
    'ann:100000',
    'ann:x:1',
    'ann:-1:5',
    'ann:4294967290:10',
    'ann:99999999999:1',
    '#ann:1:1',
    'anna:100000:1',
    ' ann:100000:1',
    'ann:1:1:1',
  ])('passes over %j', (line) => {
    expect(parseSubordinateIds(line, ['ann'])).toEqual([]);
  });
});

describe('explainRestriction()', () => {
  const read = (files: Record<string, string>) => (file: string) => files[file] ?? '';
  test.each([
    [
      '/proc/sys/user/max_user_namespaces',
      '0\n',
      'user.max_user_namespaces is 0',
      'sysctl -w user.max_user_namespaces=',
    ],
    [
      '/proc/sys/kernel/unprivileged_userns_clone',
      '0\n',
      'kernel.unprivileged_userns_clone is 0',
      'sysctl -w kernel.unprivileged_userns_clone=1',
    ],
    [
      '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
      '1\n',
      'apparmor_restrict_unprivileged_userns is 1',
      'AppArmor profile',
    ],
    ['/proc/self/status', 'Name:\tx\nSeccomp:\t2\n', 'seccomp filter', '--security-opt'],
  ])('names %s', (file, content, reason, hint) => {
    const explained = explainRestriction('it failed', read({ [file]: content }));
    expect(explained.reason).toContain(reason);
    expect(explained.hint).toContain(hint);
  });

  test('says what happened when nothing forbids it', () => {
    expect(explainRestriction('it failed', read({ '/proc/sys/user/max_user_namespaces': '100\n' })).reason).toBe(
      'it failed',
    );
  });
});

describe('inUserNamespace()', () => {
  test.each([
    ['         0          0 4294967295\n', false],
    ['         0       1000          1\n', true],
    ['         0       1000          1\n         1     100000      65536\n', true],
    ['         0          0      65536\n', true],
  ])('%j: %s', (map, expected) => {
    expect(inUserNamespace(map)).toBe(expected);
  });
});

describe('planUserNamespace()', () => {
  test('is forbidden without unshare, and says what to install', async () => {
    const plan = await planUserNamespace({ uid: 1000, gid: 1000, searchPath: [] });
    expect(plan).toMatchObject({
      kind: 'forbidden',
      reason: expect.stringContaining('unshare'),
      hint: expect.stringContaining('util-linux'),
    });
  });
});

// What it takes is done for real, by an ordinary user: by this one, or by one that root becomes.
const isRoot = process.getuid?.() === 0;
const DIST = new URL('../../../dist/support/user-namespace.js', import.meta.url);

const PROGRAM = `
  import { planUserNamespace, spawnInUserNamespace } from ${JSON.stringify(DIST.href)};
  const root = process.argv[1];
  const plan = await planUserNamespace({ uid: process.getuid(), gid: process.getgid(), userName: ${JSON.stringify(isRoot ? 'nobody' : userInfo().username)}, root });
  console.log(plan.kind, plan.reason ?? '');
  const script = 'process.once("message", (m) => process.send([m, process.getuid(), process.getgid(), process.env], () => process.disconnect()))';
  const child = await spawnInUserNamespace(plan, process.execPath, ['-e', script], {
    env: { ONLY: 'this' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  child.on('message', (m) => console.log(JSON.stringify(m, (k, v) => (k === 'NODE_CHANNEL_FD' || k.startsWith('NODE_CHANNEL') || ['PWD', 'SHLVL', '_', 'OLDPWD'].includes(k) ? undefined : v))));
  child.send({ bytes: 7n.toString() });
  child.on('exit', (code) => console.log('exit', code));
`;

function asOrdinaryUser(root: string, ranges: string | null): { stdout: string; stderr: string } {
  const node = [process.execPath, '--input-type=module', '-e', PROGRAM, root];
  const become = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
  const bind = 'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec "$@"';
  const argv = !isRoot
    ? node
    : ranges === null
      ? [...become, ...node]
      : ['unshare', '-m', 'sh', '-c', bind, ranges, ...become, ...node];
  const [file = '', ...args] = argv;
  return spawnSync(file, args, { encoding: 'utf8', cwd: '/', env: { PATH: process.env['PATH'] } });
}

describe('spawnInUserNamespace(), by an ordinary user', () => {
  const available = existsSync(DIST) && (!isRoot || spawnSync('setpriv', ['--version']).status === 0);
  const { skip, reason } = requirement('unprivileged-user', available, 'dist/ is not built, or setpriv is missing');

  test('without ranges there is one id, root, and a channel', (context) => {
    if (skip) context.skip(reason);
    const { stdout, stderr } = asOrdinaryUser('/nonexistent', null);
    if (stdout.startsWith('forbidden')) context.skip(stdout);
    expect({ stdout, stderr }).toEqual({
      stdout: expect.stringMatching(/^single .*\n\[\{"bytes":"7"\},0,0,\{"ONLY":"this"\}\]\nexit 0\n$/),
      stderr: '',
    });
  });

  test('with ranges they are mapped by newuidmap', (context) => {
    if (skip) context.skip(reason);
    const place = mkdtempSync(join(tmpdir(), 'tsbuild-subid-'));
    try {
      const ranges = join(place, 'subid');
      writeFileSync(ranges, 'nobody:100000:65536\n', { mode: 0o644 });
      mkdirSync(join(place, 'etc'));
      const { stdout, stderr } = asOrdinaryUser('/', ranges);
      if (!stdout.startsWith('full')) context.skip(`no ranges here: ${stdout}${stderr}`);
      expect(stdout).toMatch(/^full \n\[\{"bytes":"7"\},0,0,\{"ONLY":"this"\}\]\nexit 0\n$/);
    } finally {
      rmSync(place, { recursive: true });
    }
  });
});

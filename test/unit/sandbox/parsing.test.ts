import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_CAPABILITY_SET, permittedCapabilities } from '../../../src/sandbox/rights/capabilities.js';
import { parseMountInfo } from '../../../src/sandbox/mounts/attributes.js';
import { networkFiles } from '../../../src/sandbox/network/network-files.js';
import { parseProcessState } from '../../../src/sandbox/chroot/process-tree.js';

test('mountinfo gives mount points, unescaped, and the flags that a remount must keep', () => {
  const text = [
    '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '30 22 0:5 / /a\\040b\\134c rw,nosuid,nodev,noexec,relatime - proc proc rw',
    '31 22 0:6 / /ro ro,nosuid - tmpfs tmpfs rw',
    '',
  ].join('\n');
  expect(parseMountInfo(text)).toEqual([
    { path: '/', flags: 0 },
    { path: '/a b\\c', flags: 14 },
    { path: '/ro', flags: 3 },
  ]);
});

test.each([
  ['12 (sh) S 1 12 12 0 -1', { pid: 12, state: 'S', parent: 1 }],
  ['13 (a) b (c) d) Z 12 13 13 0 -1', { pid: 13, state: 'Z', parent: 12 }],
  ['14 (new\nline) R 13 14 14 0', { pid: 14, state: 'R', parent: 13 }],
  ['garbage', undefined],
])('the state of a process is read from %j', (stat, expected) => {
  expect(parseProcessState(stat)).toEqual(expected);
});

test("the default capabilities are Docker's", () => {
  expect(DEFAULT_CAPABILITY_SET.toString(16)).toBe('a80425fb');
  expect(permittedCapabilities('CapInh:\t0000000000000000\nCapPrm:\t000001fffeffffff\n')).toBe(0x1fffeffffffn);
  expect(permittedCapabilities('')).toBe(0n);
});

test("name resolution is the host's with its network, and localhost without", () => {
  const place = mkdtempSync(join(tmpdir(), 'tsbuild-names-'));
  const file = join(place, 'resolv.conf');
  writeFileSync(file, 'nameserver 192.0.2.1\n');
  const hosts = '127.0.0.1\tlocalhost step\n::1\tlocalhost ip6-localhost ip6-loopback\n';
  expect(networkFiles({ network: 'host', hostname: 'step', hosts: [] }, { resolvConf: file })).toEqual({
    hosts,
    resolvConf: 'nameserver 192.0.2.1\n',
  });
  expect(networkFiles({ network: 'none', hostname: 'step', hosts: [] }, { resolvConf: file })).toEqual({
    hosts,
    resolvConf: '',
  });
  rmSync(place, { recursive: true });
  expect(networkFiles({ network: 'host', hostname: 'step', hosts: [] }, { resolvConf: file })).toEqual({
    hosts,
    resolvConf: '',
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { networkFiles } from '../../../../src/sandbox/network/network-files.js';
import type { NameResolution, StepNetwork } from '../../../../src/sandbox/run-spec.js';

let place: string;
let resolvConf: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-names-'));
  resolvConf = join(place, 'resolv.conf');
  writeFileSync(resolvConf, 'nameserver 127.0.0.53\nnameserver 192.0.2.1\ndomain host.test\noptions edns0\n');
});
afterAll(() => rmSync(place, { recursive: true }));

const NONE: NameResolution = { servers: [], searches: [], options: [] };

interface Case {
  readonly network: StepNetwork;
  readonly resolver?: string;
  readonly given?: Partial<NameResolution>;
}

test.each<[string, Case, string]>([
  [
    "the host's network",
    { network: 'host' },
    'nameserver 127.0.0.53\nnameserver 192.0.2.1\ndomain host.test\noptions edns0\n',
  ],
  ['no network', { network: 'none' }, ''],
  [
    'a private network, with who answers there',
    { network: 'private', resolver: '10.0.2.3' },
    'domain host.test\noptions edns0\nnameserver 10.0.2.3\n',
  ],
  [
    '--dns, instead of all others',
    { network: 'private', resolver: '10.0.2.3', given: { servers: ['192.0.2.7', '2001:db8::7'] } },
    'domain host.test\noptions edns0\nnameserver 192.0.2.7\nnameserver 2001:db8::7\n',
  ],
  [
    '--dns-search, also instead of a domain',
    { network: 'host', given: { searches: ['a.test', 'b.test'] } },
    'nameserver 127.0.0.53\nnameserver 192.0.2.1\noptions edns0\nsearch a.test b.test\n',
  ],
  [
    '--dns-option',
    { network: 'host', given: { options: ['ndots:2', 'rotate'] } },
    'nameserver 127.0.0.53\nnameserver 192.0.2.1\ndomain host.test\noptions ndots:2 rotate\n',
  ],
])('resolv.conf with %s', (_, { network, resolver, given }, expected) => {
  const nameResolution = given === undefined ? undefined : { ...NONE, ...given };
  const spec = { network, hostname: 'step', hosts: [], nameResolution };
  expect(networkFiles(spec, { resolver, resolvConf }).resolvConf).toBe(expected);
});

import { expect, test } from 'vitest';
import { parseArguments } from '../../../../src/cli/argv.js';
import { readRegistrySettings } from '../../../../src/cli/options/registry-options.js';
import { REGISTRY_OPTIONS } from '../../../../src/cli/tables/registry-option-table.js';
import type { RegistrySettings } from '../../../../src/registry/config/registry-settings.js';

const SPEC = { command: 'tsbuild build', options: REGISTRY_OPTIONS, positionals: { min: 0, max: 0 } };

function settings(words: readonly string[], names: readonly string[] = []): RegistrySettings | undefined {
  const read = readRegistrySettings(parseArguments(words, SPEC), { cwd: '/project' }, names);
  return read === undefined
    ? undefined
    : (Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined)) as RegistrySettings);
}

test('a command line that says nothing of registries has no settings', () => {
  expect(settings([])).toBeUndefined();
  expect(settings(['--tls-verify'])).toBeUndefined();
});

test.each<[string[], RegistrySettings]>([
  [['--tls-verify=false'], { insecure: 'all' }],
  [
    ['--insecure-registry', 'a.example:5000', '--skip-tls-verify-registry=192.0.2.0/24'],
    { insecure: ['a.example:5000', '192.0.2.0/24'] },
  ],
  [['--cert-dir', 'certs'], { certificateFolder: '/project/certs' }],
  [
    ['--registry-certificate', 'a.example=ca.pem', '--registry-client-cert', 'a.example=/c.pem,k.pem'],
    {
      certificates: {
        'a.example': {
          authorities: ['/project/ca.pem'],
          clients: [{ certificate: '/c.pem', key: '/project/k.pem' }],
        },
      },
    },
  ],
  [
    ['--registry-mirror', 'm.example/hub', '--registry-map', 'index.docker.io=http://n.example:5000;quay.io=q.example'],
    {
      mirrors: {
        'docker.io': [
          { location: 'm.example/hub', insecure: false },
          { location: 'n.example:5000', insecure: true },
        ],
        'quay.io': [{ location: 'q.example', insecure: false }],
      },
    },
  ],
  [
    ['--registry-mirror', 'm.example', '--skip-default-registry-fallback'],
    { mirrors: { 'docker.io': [{ location: 'm.example', insecure: false }] }, mirrorsOnly: true },
  ],
  [['--retry', '3', '--push-retry', '8', '--retry-delay', '2'], { retries: { pull: 3, push: 8 }, retryDelayMs: 2000 }],
  [['--creds', 'b.example=u:p:q'], { credentials: { 'b.example': { username: 'u', password: 'p:q' } } }],
])('%j', (words, expected) => {
  expect(settings(words)).toEqual(expected);
});

test('credentials without a registry are for those of the names on the command line alone', () => {
  const user = { username: 'u', password: 'p' };
  expect(settings(['--creds', 'u:p'], ['a.example/x', 'y'])?.credentials).toEqual({
    'a.example': user,
    'docker.io': user,
  });
  expect(() => settings(['--creds', 'u:p'])).toThrow('names no image whose registry they could be for');
});

test('what is wrong with --creds is told without a word of them', () => {
  expect(() => settings(['--creds', 'topsecret'])).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('topsecret') as string }) as Error,
  );
});

test.each([
  [['--registry-mirror', 'no place'], 'it is no place of a registry'],
  [['--registry-map', 'quay.io'], 'it is not of the form REGISTRY=HOST[/PATH]'],
  [['--registry-certificate', '=x'], 'it is not of the form REGISTRY=FILE'],
  [['--registry-client-cert', 'a=x'], 'it names no certificate and key'],
  [['--retry', '-1'], 'it is no number from 0 to 999'],
  [['--retry-delay', 'soon'], 'it is no time of up to an hour'],
  [['--insecure-registry', 'https://a.example/x'], 'it is neither a host nor a range of addresses'],
  [['--skip-default-registry-fallback'], 'there is no other registry to ask'],
])('%j is refused: %s', (words, message) => {
  expect(() => settings(words)).toThrow(message);
});

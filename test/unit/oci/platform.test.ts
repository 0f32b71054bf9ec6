import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.js';
import type { ImageIndex } from '../../../src/oci/image.js';
import { MEDIA_TYPE } from '../../../src/oci/media-type.js';
import { formatPlatform, hostPlatform, parsePlatform, platformSatisfies } from '../../../src/oci/platform.js';
import { listPlatforms, selectPlatform } from '../../../src/oci/select-platform.js';

test.each([
  ['linux/amd64', 'linux/amd64'],
  ['Linux/X86_64', 'linux/amd64'],
  ['linux/x86-64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['linux/aarch64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm64/8', 'linux/arm64'],
  ['linux/arm64/v9.0', 'linux/arm64/v9'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/7', 'linux/arm/v7'],
  ['linux/arm/v6', 'linux/arm/v6'],
  ['linux/armhf', 'linux/arm/v7'],
  ['linux/armel', 'linux/arm/v6'],
  ['linux/i386', 'linux/386'],
  ['macos/arm64', 'darwin/arm64'],
  ['arm64', 'linux/arm64'],
  ['riscv64', 'linux/riscv64'],
  ['linux', formatPlatform(hostPlatform())],
  ['local', formatPlatform(hostPlatform())],
])('"%s" is %s', (text, normal) => {
  expect(formatPlatform(parsePlatform(text))).toBe(normal);
});

test.each(['', '/', 'linux/', '/amd64', 'linux/amd64/v1/x', 'linux amd64', 'linux/amd64,linux/arm64'])(
  '"%s" is refused',
  (text) => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  },
);

test('the platform of this machine is Linux', () => {
  expect(hostPlatform().os).toBe('linux');
  expect(hostPlatform().architecture).not.toBe('x64');
});

function index(...platforms: (string | undefined)[]): ImageIndex {
  return {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociIndex,
    manifests: platforms.map((name, position) => {
      const [os = '', architecture = '', variant] = (name ?? '').split('/');
      return {
        mediaType: MEDIA_TYPE.ociManifest,
        digest: digestOf(String(position)),
        size: position,
        ...(name === undefined
          ? {}
          : { platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } }),
      };
    }),
  };
}

describe('choosing from an index', () => {
  test.each<[string, (string | undefined)[], number | undefined]>([
    ['linux/amd64', ['linux/arm64', 'linux/amd64'], 1],
    ['linux/amd64', ['linux/amd64', 'linux/amd64'], 0],
    ['linux/amd64', ['linux/386', 'linux/amd64'], 1],
    ['linux/amd64', ['linux/arm64', 'linux/386'], 1],
    ['linux/amd64', ['linux/amd64/v2', 'linux/amd64/v3'], undefined],
    ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v2'], 1],
    ['linux/amd64/v3', ['linux/amd64/v4', 'linux/amd64'], 1],
    ['linux/amd64', ['linux/amd64/v1'], 0],
    ['linux/arm64', ['linux/arm/v7', 'linux/arm64/v8'], 1],
    ['linux/arm64', ['linux/arm/v6', 'linux/arm/v7'], 1],
    ['linux/arm64/v8', ['linux/arm64'], 0],
    ['linux/arm64/v9', ['linux/arm64', 'linux/arm64/v8.5'], 1],
    ['linux/arm64/v8.2', ['linux/arm64/v8.3', 'linux/arm64/v8.1', 'linux/arm64'], 1],
    ['linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6'], 1],
    ['linux/arm/v6', ['linux/arm/v7'], undefined],
    ['linux/arm/v6', ['linux/arm'], undefined],
    ['linux/s390x', ['linux/amd64'], undefined],
    ['linux/amd64', ['windows/amd64'], undefined],
    ['linux/amd64', ['unknown/unknown', undefined, 'linux/amd64'], 2],
    ['linux/amd64', [], undefined],
  ])('for %s out of %j it is number %s', (wanted, offered, position) => {
    expect(selectPlatform(index(...offered), parsePlatform(wanted))?.size).toBe(position);
  });

  test('an attestation is never chosen, whatever platform it claims', () => {
    const { manifests, ...rest } = index('linux/amd64', 'linux/amd64');
    const [first, second] = manifests;
    const annotated = { ...first!, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } };
    const chosen = selectPlatform({ ...rest, manifests: [annotated, second!] }, parsePlatform('linux/amd64'));
    expect(chosen?.size).toBe(1);
  });

  test('what there is can be listed for people', () => {
    expect(listPlatforms(index('linux/amd64', 'linux/arm64/v8', 'unknown/unknown', undefined, 'linux/amd64'))).toEqual([
      'linux/amd64',
      'linux/arm64',
    ]);
  });
});

test('an image satisfies the platforms that can run it', () => {
  const amd64 = { os: 'linux', architecture: 'amd64' };
  expect(platformSatisfies(amd64, { ...amd64, variant: 'v3' })).toBe(true);
  expect(platformSatisfies({ ...amd64, variant: 'v3' }, amd64)).toBe(false);
  expect(platformSatisfies({ os: 'linux', architecture: 'arm64' }, amd64)).toBe(false);
});

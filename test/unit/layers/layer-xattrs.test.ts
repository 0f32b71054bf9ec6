import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isLayerXattr, readLayerXattrs } from '../../../src/layers/files/layer-xattrs.js';
import { bytesOfText } from '../../../src/support/byte-string.js';
import { setXattr } from '../../../src/support/syscalls.js';
import { requirement } from '../../support/require.js';

const b = bytesOfText;
const root = requirement('root', process.getuid?.() === 0, 'only root gives files capabilities');
let folder: string;
let file: ReturnType<typeof bytesOfText>;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'xattrs-'));
  file = b(path.join(folder, 'f'));
  writeFileSync(file, '');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const read = (): Record<string, string> =>
  Object.fromEntries([...readLayerXattrs(file)].map(([name, value]) => [name, Buffer.from(value).toString('hex')]));

describe('readLayerXattrs()', () => {
  test('gives what users set, and keeps overlays and our own notes to itself', () => {
    for (const name of ['user.a', 'user.empty', 'user.overlay.opaque', 'user.tsbuild.owner']) {
      setXattr(file, b(name), Buffer.from(name === 'user.empty' ? '' : 'v'));
    }
    expect(read()).toEqual({ 'user.a': '76', 'user.empty': '' });
  });

  test.each([
    'security.selinux',
    'trusted.overlay.opaque',
    'system.posix_acl_access',
    'user.overlay.x',
    'user.tsbuild.x',
  ])('%s is no part of a layer', (name) => {
    expect(isLayerXattr(b(name))).toBe(false);
  });

  test.skipIf(root.skip)('gives capabilities as every host understands them', () => {
    const capabilities = '0004000000000000' + '0000000000000000';
    setXattr(file, b('security.capability'), Buffer.from(`01000002${capabilities}`, 'hex'));
    expect(read()).toEqual({ 'security.capability': `01000002${capabilities}` });
    // What a user namespace whose root is 100000 leaves on the disk.
    setXattr(file, b('security.capability'), Buffer.from(`01000003${capabilities}a0860100`, 'hex'));
    expect(read()).toEqual({ 'security.capability': `01000002${capabilities}` });
  });
});

import { describe, expect, test } from 'vitest';
import { lookUpOwner, lookUpUser } from '../../../../src/builder/operations/user-lookup.js';
import { memoryTree } from '../../../support/memory-tree.js';

const tree = memoryTree({
  'etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\n\n# note\nana:x:1000:1001:Ana:/home/ana:/bin/sh\n1000:x:0:0:trap:/:/bin/sh\nbad:x:y:z\n',
  'etc/group': 'root:x:0:\nstaff:x:50:ana,bo\nana:x:1001:\nsudo:x:27:bo,ana\nmail:x:8:root\n',
});
const none = memoryTree({});

describe('lookUpUser()', () => {
  test.each([
    ['', { uid: 0, gid: 0, groups: [0], home: '/root' }],
    ['root', { uid: 0, gid: 0, groups: [0, 8], home: '/root' }],
    ['ana', { uid: 1000, gid: 1001, groups: [1001, 50, 27], home: '/home/ana' }],
    ['1000', { uid: 1000, gid: 1001, groups: [1001, 50, 27], home: '/home/ana' }],
    ['4242', { uid: 4242, gid: 0, groups: [0], home: '/' }],
    ['ana:staff', { uid: 1000, gid: 50, groups: [50], home: '/home/ana' }],
    ['ana:7', { uid: 1000, gid: 7, groups: [7], home: '/home/ana' }],
  ])('pitfall 43: USER %j', (spec, user) => {
    expect(lookUpUser(tree, spec)).toEqual(user);
  });

  test('root needs no passwd file', () => {
    expect(lookUpUser(none, '')).toEqual({ uid: 0, gid: 0, groups: [0], home: '/' });
  });

  test.each(['nobody', 'ana:nogroup'])('pitfall 43: %j, which the image does not list, is an error', (spec) => {
    expect(() => lookUpUser(tree, spec)).toThrow(expect.objectContaining({ code: 'DOCKERFILE_SEMANTICS' }));
  });

  test.each(['4294967296', '4294967295', '-1', '0x0', '1e3', '1.5'])('CVE-2024-40635: id %j is refused', (spec) => {
    expect(() => lookUpUser(tree, spec)).toThrow('not a number from 0 to 4294967294');
  });

  test('CVE-2026-46680: a number is never taken for a name', () => {
    expect(lookUpUser(tree, '1000').uid).toBe(1000);
  });

  test('CVE-2024-9676: /etc/passwd that is no regular file is not read', () => {
    const pipe = memoryTree({ 'etc/passwd': { type: 'fifo', text: 'root:x:0:0::/evil:' } });
    expect(lookUpUser(pipe, '0').home).toBe('/');
  });

  test('CVE-2026-47262: a group file without end is refused', () => {
    const huge = memoryTree({ 'etc/group': 'x'.repeat((4 << 20) + 1) });
    expect(() => lookUpUser(huge, '0')).toThrow('longer than 4 MiB');
  });
});

describe('lookUpOwner()', () => {
  test.each([
    ['55', { uid: 55, gid: 55 }],
    ['55:mine', undefined],
    ['root', { uid: 0, gid: 0 }],
    ['ana', { uid: 1000, gid: 1001 }],
    ['ana:staff', { uid: 1000, gid: 50 }],
    ['ana:12', { uid: 1000, gid: 12 }],
  ])('pitfall 89: --chown=%s', (spec, owner) => {
    if (owner === undefined) expect(() => lookUpOwner(tree, spec)).toThrow('cannot find group "mine"');
    else expect(lookUpOwner(tree, spec)).toEqual(owner);
  });

  test('pitfall 90: an unknown name fails, root does not even without files', () => {
    expect(() => lookUpOwner(none, 'app')).toThrow('cannot find user "app"');
    expect(lookUpOwner(none, 'root')).toEqual({ uid: 0, gid: 0 });
  });
});

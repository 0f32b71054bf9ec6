import { describe, expect, test } from 'vitest';
import { parseCases } from './case-file.js';

const parsed = (text: string) => parseCases(text, 'group');

describe('parseCases()', () => {
  test('reads name, title, settings and the content of files', () => {
    const [first, second] = parsed(
      [
        'checks: yes',
        '',
        '=== a | A title',
        'flags: --build-arg X=1 --label "a b"',
        'env: A=b C=d=e',
        'differs: a reason',
        '--- Dockerfile',
        'FROM scratch',
        '',
        'LABEL a=b',
        '',
        '=== b | Another',
        'checks: no',
        'expect: failure',
        '--- f 0600 @12.000000034',
        'x',
      ].join('\n'),
    );
    expect(first).toMatchObject({ name: 'a', title: 'A title', group: 'group', checks: true, expect: 'image' });
    expect(first).toMatchObject({ flags: ['--build-arg', 'X=1', '--label', 'a b'], env: { A: 'b', C: 'd=e' } });
    expect(first?.differs).toBe('a reason');
    const [dockerfile] = first?.entries ?? [];
    expect(dockerfile?.content).toEqual({ kind: 'file', bytes: Buffer.from('FROM scratch\n\nLABEL a=b\n') });
    expect(second).toMatchObject({ name: 'b', checks: false, expect: 'failure', differs: undefined });
    expect(second?.entries[0]).toMatchObject({ mode: 0o600, mtime: { seconds: 12, nanoseconds: 34 } });
  });

  test.each([
    ['d/', { root: 'context', path: 'd', mode: 0o755, content: { kind: 'directory' } }],
    ['"a b" unended\nx', { path: 'a b', content: { kind: 'file', bytes: Buffer.from('x') } }],
    ['f crlf\nx', { content: { kind: 'file', bytes: Buffer.from('x\r\n') } }],
    ['f base64\nAP8=', { content: { kind: 'file', bytes: Buffer.from([0, 255]) } }],
    ['l -> ../x', { content: { kind: 'symlink', target: '../x' } }],
    ['l == f', { content: { kind: 'hardlink', target: 'f' } }],
    ['p fifo', { content: { kind: 'fifo' } }],
    ['@lib/f\nx', { root: 'lib', path: 'f' }],
  ])('reads --- %j', (entry, expected) => {
    expect(parsed(`=== a | b\n--- ${entry}\n`)[0]?.entries[0]).toMatchObject(expected);
  });

  test('puts members of one archive together', () => {
    const [archived] = parsed('=== a | b\n--- x.tar!f 0640 5:6\nf\n--- g\n--- x.tar!d/\n');
    expect(archived?.entries.map(({ path }) => path)).toEqual(['x.tar', 'g']);
    expect(archived?.entries[0]?.content).toMatchObject({
      kind: 'archive',
      members: [
        { path: 'f', uid: 5, gid: 6, mode: 0o640 },
        { path: 'd', content: { kind: 'directory' } },
      ],
    });
  });

  test.each([
    ['=== a', 'group:1: a case begins with'],
    ['=== a | b\nexpct: failure', 'group:2: "expct: failure" is no setting'],
    ['=== a | b\n=== a | c', 'group:2: there are two cases "a"'],
    ['=== a | b\nexpect: nothing', 'group: a: expect is image or failure'],
    ['=== a | b\n---  ', 'group:2: an entry needs a path'],
  ])('refuses %j', (text, message) => {
    expect(() => parsed(text)).toThrow(message);
  });
});

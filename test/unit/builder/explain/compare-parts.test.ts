import { describe, expect, test } from 'vitest';
import { definitionChanges, type KeyParts } from '../../../../src/builder/explain/compare-parts.js';

const run = (operation: KeyParts, more: KeyParts = {}): KeyParts => ({
  version: 2,
  operation: { kind: 'run', argv: ['/bin/sh', '-c', 'make'], env: [], ...operation },
  ...more,
});
const hiding = { secrets: new Set(['hunter2']) };
const changes = (before: KeyParts, after: KeyParts, texts: readonly [string, string] = ['', '']): unknown =>
  definitionChanges({ text: texts[0], parts: before }, { text: texts[1], parts: after }, hiding);

describe('how the definition of a step differs', () => {
  test('equal definitions differ in nothing, whatever stands for content', () => {
    expect(changes(run({}, { parent: 'a', seen: ['b'] }), run({}, { parent: 'c', seen: ['d'] }))).toEqual([]);
  });

  test('of a command its text is told, as it is written where that differs', () => {
    const [before, after] = [run({}), run({ argv: ['/bin/sh', '-c', 'make -j'] })];
    expect(changes(before, after)).toEqual([{ what: 'instruction', before: 'make', after: 'make -j' }]);
    expect(changes(before, after, ['RUN make', 'RUN make -j'])).toEqual([
      { what: 'instruction', before: 'RUN make', after: 'RUN make -j' },
    ]);
  });

  test('a long text is cut to where it begins to differ', () => {
    const command = (end: string): KeyParts => run({ argv: ['sh', '-c', `${'x'.repeat(1000)}${end}`] });
    const [change] = changes(command('1'), command('2')) as [{ before: string; after: string }];
    expect(change.before).toBe(`…${'x'.repeat(40)}1`);
    expect(change.after).toBe(`…${'x'.repeat(40)}2`);
  });

  test('variables are told by name, with both values', () => {
    expect(changes(run({ env: ['A=1', 'B=x', 'C=3'] }), run({ env: ['A=2', 'C=3', 'D='] }))).toEqual([
      { what: 'variable', name: 'A', before: '1', after: '2' },
      { what: 'variable', name: 'B', before: 'x', after: null },
      { what: 'variable', name: 'D', before: null, after: '' },
    ]);
  });

  test('values are hidden of variables that are called as secrets are, that are secrets, and in URLs', () => {
    const before = run({ env: ['NPM_TOKEN=abc', 'OTHER=hunter2', 'URL=https://me:pass@host/'] });
    const after = run({ env: ['NPM_TOKEN=def', 'OTHER=no', 'URL=https://me:word@host/'] });
    const text = JSON.stringify(changes(before, after));
    for (const secret of ['abc', 'def', 'hunter2', 'pass', 'word']) expect(text).not.toContain(secret);
    expect(text).toContain('https://me:(hidden)@host/');
  });

  test('anything else that counts is told by its name', () => {
    expect(changes(run({ user: '' }, { epoch: null }), run({ user: 'app' }, { epoch: 7 }))).toEqual([
      { what: 'setting', name: 'user', before: '', after: 'app' },
      { what: 'setting', name: 'epoch', before: '', after: '7' },
    ]);
    expect(changes({ ...run({}), version: 1 }, run({}))).toEqual([{ what: 'builder' }]);
  });
});

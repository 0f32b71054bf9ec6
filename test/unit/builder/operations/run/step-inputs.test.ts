import { describe, expect, test } from 'vitest';
import type { RunMount } from '../../../../../src/builder/operation.js';
import { secretFile, secretVariables } from '../../../../../src/builder/operations/run/secret-mount.js';

type Secret = Extract<RunMount, { type: 'secret' }>;
const mount: Secret & { target: string } = {
  type: 'secret',
  id: 's',
  target: '/t',
  required: false,
  uid: 1,
  gid: 2,
  mode: 0o440,
};

describe('secrets', () => {
  test('are files of the owner and mode that the mount says, never on a disk', () => {
    const content = Buffer.from('v');
    expect(secretFile(mount, { s: content })).toEqual([
      { type: 'file', content, target: '/t', mode: 0o440, uid: 1, gid: 2, confidential: true },
    ]);
  });

  test('pitfall 48: one that was not given is no file and no variable', () => {
    expect(secretFile(mount, {})).toEqual([]);
    expect(secretVariables([{ ...mount, env: 'S' }], {})).toEqual({ S: '' });
    expect(secretFile({ ...mount, id: 'constructor' }, {})).toEqual([]);
  });

  test('pitfall 48: one that is required and was not given is an error that says how to give it', () => {
    expect(() => secretFile({ ...mount, required: true }, { other: Buffer.from('canary') })).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: 'cannot mount secret "s": the build was not given it',
        hint: 'Give it with --secret id=s,src=FILE or --secret id=s,env=NAME.',
      }),
    );
  });

  test('are variables, as text', () => {
    expect(secretVariables([{ ...mount, env: 'S' }, mount], { s: Buffer.from('é\n') })).toEqual({ S: 'é\n' });
    expect(() => secretVariables([{ ...mount, env: 'S' }], { s: Buffer.from('a\0b') })).toThrow('it has a null byte');
  });
});

import { describe, expect, test } from 'vitest';
import type { MountFlag } from '../../../../../src/parser/instruction.js';
import { readCsvFields } from '../../../../../src/parser/instructions/values/csv-fields.js';
import { mountFrom } from '../../../../../src/parser/instructions/run/mount-options.js';
import { parseByteSize } from '../../../../../src/parser/instructions/values/byte-size.js';
import { bodiesOf, errorOf, instructionsOf, mountOf, NOWHERE } from '../../parsing.js';

const root = { uid: 0, gid: 0 };

describe('what a mount leaves out is as is usual for its type', () => {
  test.each<[string, object]>([
    ['target=/a', { type: 'bind', target: '/a', path: '', readonly: true, ignored: [] }],
    [
      'type=bind,from=Base,source=/s,target=a',
      { type: 'bind', target: 'a', path: '/s', from: 'Base', readonly: true, ignored: [] },
    ],
    ['rw,target=/a', { type: 'bind', target: '/a', path: '', readonly: false, ignored: [] }],
    [
      'type=cache,target=/a/../b/',
      {
        ...root,
        type: 'cache',
        target: '/a/../b/',
        path: '',
        id: '/b',
        sharing: 'shared',
        mode: 0o755,
        readonly: false,
        ignored: [],
      },
    ],
    [
      'type=cache,dst=.cache,id=c,sharing=LOCKED,ro,from=x,src=y,mode=0700,uid=1,gid=2',
      {
        type: 'cache',
        target: '.cache',
        path: 'y',
        from: 'x',
        id: 'c',
        sharing: 'locked',
        mode: 0o700,
        uid: 1,
        gid: 2,
        readonly: true,
        ignored: [],
      },
    ],
    ['type=tmpfs,target=/t', { type: 'tmpfs', target: '/t', readonly: false, ignored: [] }],
    [
      'type=tmpfs,target=/t,size=64m',
      { type: 'tmpfs', target: '/t', readonly: false, sizeBytes: 67_108_864, ignored: [] },
    ],
    [
      'type=secret,id=a/b',
      { ...root, type: 'secret', id: 'a/b', target: '/run/secrets/b', mode: 0o400, required: false, ignored: [] },
    ],
    [
      'type=secret,target=/x/y',
      { ...root, type: 'secret', id: 'y', target: '/x/y', mode: 0o400, required: false, ignored: [] },
    ],
    [
      'type=secret,source=s,dst=/t,ro',
      { ...root, type: 'secret', id: 's', target: '/t', mode: 0o400, required: false, ignored: [] },
    ],
    [
      'type=secret,id=a,env=A,required=true',
      { ...root, type: 'secret', id: 'a', env: 'A', mode: 0o400, required: true, ignored: [] },
    ],
    [
      'type=secret,id=a,env=A,target=/t,uid=7',
      { type: 'secret', id: 'a', env: 'A', target: '/t', uid: 7, gid: 0, mode: 0o400, required: false, ignored: [] },
    ],
    ['type=ssh', { ...root, type: 'ssh', id: 'default', mode: 0o600, required: false, ignored: [] }],
    [
      'type=ssh,id=x,target=/s,required,mode=666',
      { ...root, type: 'ssh', id: 'x', target: '/s', mode: 0o666, required: true, ignored: [] },
    ],
  ])('%s', (text, expected) => {
    expect(mountOf(text)).toEqual(expected);
  });
});

test('pitfall 48: a secret with env and no target makes no file', () => {
  expect(mountOf('type=secret,id=a,env=A')).not.toHaveProperty('target');
});

test.each([
  ['TYPE=Bind,Target=/a', { type: 'bind', target: '/a' }],
  ['destination=/a,target=/b,dst=/c', { target: '/c' }],
  ['target=/a,ro,rw=false,readonly=0', { readonly: false }],
  ['type=tmpfs,target=/a,type=bind', { type: 'bind' }],
  ['target=/a=b', { target: '/a=b' }],
  ['\'"target=/a,b",ro\'', { target: '/a,b' }],
])('keys in any case, aliases, the last one wins, CSV quotes: %s', (text, expected) => {
  expect(mountOf(text)).toMatchObject(expected);
});

test('variables are expanded in each value by itself, and not in from', () => {
  const env = { T: 'cache', DIR: '/a,b', R: 'true' };
  expect(mountOf('type=$T,target=${DIR}/c,from=b$,ro=$R,id=$UNSET', env)).toMatchObject({
    type: 'cache',
    target: '/a,b/c',
    id: '/a,b/c',
    from: 'b$',
    readonly: true,
  });
});

test.each([
  ['type=tmpfs,target=/a,from=x,id=i', ['from', 'id']],
  ['target=/a,id=i,env=E', ['id', 'env']],
  ['type=cache,target=/a,env=E', ['env']],
  ['type=secret,id=a,rw', ['readwrite']],
  ['type=ssh,from=x,env=E', ['from', 'env']],
])('what says nothing for the type is named: %s', (text, ignored) => {
  expect(mountOf(text).ignored).toEqual(ignored);
});

describe('a mount that makes no sense is refused', () => {
  test.each([
    ['type=bnid', '"bnid" is no type of mount', 'Did you mean bind?'],
    ['type=volume,target=/a', '"volume" is no type of mount', 'Choose bind, cache, tmpfs, secret or ssh.'],
    ['tagret=/a', 'it has no option "tagret"', 'Did you mean target?'],
    ['target=/a,z', 'it has no option "z"', undefined],
    ['type=secret,id=a,requierd', 'it has no option "requierd"', 'Did you mean required?'],
    ['target', '"target" has no value', 'Write target=value.'],
    ['target=/a,ro=maybe', 'readonly is either true or false, not "maybe"', 'Write readonly or readonly=false.'],
    ['type=cache,target=/a,sharing=lock', '"lock" is no sharing', undefined],
    ['type=cache,target=/a,sharing=', '"" is no sharing', undefined],
    ['target=/a,sharing=locked', 'sharing is not for type bind', undefined],
    ['type=secret,id=a,sharing=shared', 'sharing is not for type secret', undefined],
    ['type=tmpfs,target=/a,size=much', '"much" is no size', undefined],
    ['type=cache,target=/a,size=1m', 'size is not for type cache', undefined],
    ['type=cache,target=/a,mode=rwx', '"rwx" is no mode', undefined],
    ['type=cache,target=/a,mode=0o7', '"0o7" is no mode', undefined],
    ['type=cache,target=/a,uid=root', '"root" is no uid', undefined],
    ['type=cache,target=/a,gid=4294967296', '"4294967296" is no gid', undefined],
    ['target=/a,mode=755', 'mode is not for type bind', undefined],
    ['type=tmpfs,target=/a,uid=1', 'uid is not for type tmpfs', undefined],
    ['type=secret', 'it names no secret', undefined],
    ['type=secret,env=A', 'it names no secret', undefined],
    ['type=secret,id=a,env=', 'env names no variable', undefined],
    ['type=secret,id=a,source=b', 'source and id are both given', undefined],
    ['type=secret,id=a,from=b', 'from is not for type secret', undefined],
    ['type=ssh,source=a', 'source is not for type ssh', undefined],
    ['target=/a,,ro', 'it has no option ""', undefined],
  ])('%s', (text, state, hint) => {
    const error = errorOf(() => mountOf(text));
    expect(error).toMatchObject({ code: 'DOCKERFILE_SYNTAX', message: `cannot mount "${text}": ${state}` });
    if (hint !== undefined) expect(error.hint).toBe(hint);
    expect(error.hint).toMatch(/[.?]$/);
  });

  test('whatever the stage is needed for: text that is no CSV, and a variable in from', () => {
    expect(errorOf(() => instructionsOf('RUN --mount= x')).message).toBe('cannot mount "": it is empty');
    expect(errorOf(() => instructionsOf(`RUN --mount='target="/a"' x`)).message).toContain('its quotes do not match');
    expect(errorOf(() => instructionsOf('RUN --mount=from=$A x')).message).toContain('from takes no variables');
    expect(instructionsOf('RUN --mount=type=nonsense x')).toHaveLength(1);
  });
});

test('an error points at the option where it stands in the file as it is, else at the flag', () => {
  const rangeOf = (text: string): unknown => {
    const { source } = errorOf(() => mountOf(text));
    return [source?.start.line, source?.start.column, source?.end.line, source?.end.column];
  };
  expect(rangeOf('target=/a,tye=bind')).toEqual([2, 23, 2, 31]);
  expect(rangeOf('target=/a,\\\ntye=bind')).toEqual([2, 5, 3, 9]);
  expect(rangeOf('"target=/a",tye=bind')).toEqual([2, 5, 2, 33]);
});

test('what a mount is from is known before any variable is', () => {
  const fromOf = (text: string): string | undefined => mountFrom({ text, source: NOWHERE } satisfies MountFlag);
  expect(fromOf('type=$T,FROM=Base,target=/a')).toBe('Base');
  expect(fromOf('target=/a')).toBeUndefined();
  expect(fromOf('from=a,from=')).toBeUndefined();
});

test.each<[string, string[] | undefined]>([
  ['a,b=c,', ['a', 'b=c', '']],
  ['"a,b",c', ['a,b', 'c']],
  ['"a""b"', ['a"b']],
  [',', ['', '']],
  ['"",a', ['', 'a']],
  ['', undefined],
  ['a"b', undefined],
  ['"a"b', undefined],
  ['"a', undefined],
])('CSV as Go reads it: %j', (line, fields) => {
  expect(readCsvFields(line)?.map(({ text }) => text)).toEqual(fields);
});

test.each<[string, number | undefined]>([
  ['512', 512],
  ['1k', 1024],
  ['1KB', 1024],
  ['1KiB', 1024],
  ['1.5 g', 1_610_612_736],
  ['.5m', 524_288],
  ['1e3', 1000],
  ['7b', 7],
  ['1.9', 1],
  ['0', 0],
  ['-1', undefined],
  ['1kk', undefined],
  ['1bk', undefined],
  ['', undefined],
  ['m', undefined],
  ['9999p', undefined],
])('sizes as docker/go-units reads them: %j', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes);
});

describe('RUN --device', () => {
  test.each<[string, object]>([
    ['nvidia.com/gpu=all', { name: 'nvidia.com/gpu=all', required: false }],
    ['nvidia.com/gpu=all,required', { name: 'nvidia.com/gpu=all', required: true }],
    ['required=false,name=a.b/c=0', { name: 'a.b/c=0', required: false }],
    ['REQUIRED,x', { name: 'x', required: true }],
  ])('%s', (text, device) => {
    expect(bodiesOf(`RUN --device=${text} x`)).toMatchObject([{ devices: [device] }]);
  });

  test.each(['', 'required', 'a=b,name=c', 'a,b', 'a,nmae=b', 'a,required=perhaps', '"a'])(
    '"%s" is refused',
    (text) => {
      const error = errorOf(() => instructionsOf(`RUN --device='${text}' x`));
      expect(error).toMatchObject({ code: 'DOCKERFILE_SYNTAX', source: { start: { column: 5 } } });
    },
  );
});

test.each(['--security=insecur', '--security=', '--network=hots', '--network='])('RUN %s is refused', (flag) => {
  expect(errorOf(() => instructionsOf(`RUN ${flag} x`))).toMatchObject({ code: 'DOCKERFILE_SYNTAX' });
});

import { describe, expect, test } from 'vitest';
import { programArguments } from '../../../src/builder/image-run/image-process.js';
import { parseArguments, type ParsedArguments } from '../../../src/cli/argv.js';
import { argumentsSpec } from '../../../src/cli/command.js';
import { readImageRun } from '../../../src/cli/image-run/image-run-options.js';
import { RUN_IMAGE } from '../../../src/cli/tables/run-image-command.js';
import { introduction } from '../../../src/cli/visit/failed-step-visits.js';
import { signalNumber } from '../../../src/cli/visit/signal-number.js';
import { testHost } from './test-host.js';

const parse = (...words: string[]): ParsedArguments => parseArguments(words, argumentsSpec(RUN_IMAGE));
const read = async (...words: string[]): ReturnType<typeof readImageRun> =>
  readImageRun(parse(...words), testHost({ env: { HERE: 'there', HTTP_PROXY: 'http://proxy' }, cwd: '/tmp' }));

describe('tsbuild run', () => {
  test('takes what follows the image for the command', async () => {
    const { request } = await read('-u', '1', 'image', 'ls', '-u', '--rm', '--', '-x');
    expect(request).toMatchObject({ user: '1', command: ['ls', '-u', '--rm', '--', '-x'] });
  });

  test.for([
    ['-d', 'foreground'],
    ['-p=80', 'network'],
    ['--name', 'foreground'],
    ['--privileged', 'capabilities'],
    ['--volumes-from=x', 'volumes'],
  ])('refuses %s, and says what to do instead', ([word = '', hint = '']) => {
    expect(() => parse(word, 'image')).toThrowError(expect.objectContaining({ code: 'USAGE' }));
    try {
      parse(word, 'image');
    } catch (error) {
      expect((error as { hint: string }).hint).toContain(hint);
    }
  });

  test('reads variables, mounts and devices as Docker writes them', async () => {
    const words = [
      '-e',
      'A=1',
      '-e',
      'HERE',
      '-e',
      'GONE',
      '-v',
      '/tmp:/x:ro',
      '-v',
      '.:/y',
      '--tmpfs',
      '/t:size=2m,ro',
    ];
    const { request } = await read(...words, '--mount', 'type=tmpfs,dst=/m,tmpfs-size=1k', '--gpus', '2', 'image');
    const source = { kind: 'directory', path: '/' };
    const bound = { type: 'bind', source, path: 'tmp', recursive: true };
    expect(request).toMatchObject({
      env: ['A=1', 'HERE=there'],
      devices: ['nvidia.com/gpu=0', 'nvidia.com/gpu=1'],
      proxyEnv: { HTTP_PROXY: 'http://proxy' },
      mounts: [
        { ...bound, target: '/x', readonly: true },
        { ...bound, target: '/y', readonly: false },
        { type: 'tmpfs', target: '/m', sizeBytes: 1024, readonly: false },
        { type: 'tmpfs', target: '/t', sizeBytes: 2 << 20, readonly: true },
      ],
    });
  });

  test.for([
    ['-v', 'name:/x', 'there are no named volumes'],
    ['-v', '/x', 'there is nothing to keep'],
    ['-v', '/tmp:/', '"/" is no place for a mount'],
    ['-v', '/no/where:/x', 'there is no "/no/where"'],
    ['-v', '/tmp:/x:z', '"z" is none of its options'],
    ['--mount', 'type=volume,dst=/x', 'there are no volumes'],
    ['--tmpfs', '/t:mode=1', '"mode=1" is none of its options'],
    ['--gpus', 'some', 'not a choice of GPUs'],
    ['--device', 'x', 'neither a path nor the name of a device'],
    ['--network', 'bridge', 'no such network'],
    ['-w', 'here', 'not an absolute path'],
    ['--stop-signal', 'NOPE', 'no such signal'],
    ['-e', '=x', 'is no name of a variable'],
  ])('refuses %s %s', async ([option = '', value = '', message = '']) => {
    await expect(read(option, value, 'image')).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(message),
    });
  });
});

test('an entrypoint that is replaced takes the CMD along', () => {
  const image = { Entrypoint: ['/entry'], Cmd: ['usual'] };
  expect(programArguments(image, { command: [] })).toEqual(['/entry', 'usual']);
  expect(programArguments(image, { command: ['x'] })).toEqual(['/entry', 'x']);
  expect(programArguments(image, { entrypoint: ['other'], command: [] })).toEqual(['other']);
  expect(() => programArguments(image, { entrypoint: [], command: [] })).toThrow('it names no program');
});

test.for([
  ['SIGTERM', 15],
  ['usr1', 10],
  ['9', 9],
  ['SIGRTMIN+3', 37],
  ['RTMAX-1', 63],
  ['65', undefined],
  ['toString', undefined],
] as const)('signal %s is %j', ([name, number]) => {
  expect(signalNumber(name)).toBe(number);
});

test('a failed step is introduced without what a terminal would obey', () => {
  const failed = { label: 'RUN x\x1b[2J', command: 'one\ntwo\x1b]0;x\x07', state: 'exit code 1', output: 'why' };
  const text = introduction({ ...failed, shell: '/bin/sh' }, { output: true });
  expect(text).not.toContain('\x1b');
  expect(text).toContain('\n    one\n    two\\x1b]0;x\\x07\n');
});

import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BuildRequest } from '../../../src/builder/build-request.js';
import { runCli } from '../../../src/cli/run-cli.js';
import { parseDigest } from '../../../src/oci/digest.js';
import { encodeError, TsbuildError } from '../../../src/support/errors.js';
import type { Toolchain } from '../../../src/toolchain/toolchain-types.js';
import { BUILT } from './build-result.js';
import { log, testHost, type TestHost, type TestHostOptions } from './test-host.js';

const RESULT = BUILT;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-cli-'));
  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nRUN make\n');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const succeeds: Toolchain['build'] = () => Promise.resolve(RESULT);

async function build(
  words: string[],
  options: TestHostOptions = {},
  work: Toolchain['build'] = succeeds,
): Promise<{ status: number; request: BuildRequest | undefined; host: TestHost }> {
  let request: BuildRequest | undefined;
  const host = testHost({
    cwd: folder,
    ...options,
    toolchain: {
      build: (given, activity) => {
        request = given;
        return work(given, activity);
      },
    },
  });
  return { status: await runCli(words, host), request, host };
}

describe('tsbuild build', () => {
  test('pitfall 28: --build-arg X takes the value of the environment, and is dropped where there is none', async () => {
    const words = ['--build-arg', 'GIVEN', '--build-arg', 'EMPTY', '--build-arg', 'UNSET', '--build-arg', 'SET=', '.'];
    const { request } = await build(words, { env: { GIVEN: 'value', EMPTY: '', SET: 'other' } });
    expect(request?.buildArgs).toEqual({ GIVEN: 'value', EMPTY: '', SET: '' });
  });

  test('--build-arg-file has a line for each argument; what the command line says counts more', async () => {
    await writeFile(join(folder, 'args'), '# comment\nA=1\r\n\nB=two words\nFROM_ENV\nC=file\n');
    const { request } = await build(['--build-arg-file', 'args', '--build-arg', 'C=line', '.'], {
      env: { FROM_ENV: 'e' },
    });
    expect(request?.buildArgs).toEqual({ A: '1', B: 'two words', FROM_ENV: 'e', C: 'line' });
    const { status, host } = await build(['--build-arg-file', 'nothing', '.']);
    expect(status).not.toBe(0);
    expect(host.errors()).toContain('cannot read file of build arguments "nothing": no such file');
  });

  test('--ignorefile stands in for the ignore file of a folder, and for no other', async () => {
    await writeFile(join(folder, '.dockerignore'), 'node_modules\n');
    await writeFile(join(folder, 'other'), '*.log\n');
    const { request } = await build(['--ignorefile', 'other', '.']);
    expect(request?.ignore).toEqual({ name: 'other', text: '*.log\n' });
    for (const [words, message] of [
      [['--ignorefile', 'nothing', '.'], 'cannot read ignore file "nothing": no such file'],
      [['--ignorefile', 'other', '-'], 'cannot use --ignorefile "other": the build context is no folder'],
    ] as const) {
      const { status, host } = await build([...words], { stdin: 'FROM scratch\n' });
      expect([status > 0, host.errors()]).toEqual([true, expect.stringContaining(message)]);
    }
  });

  test('asks for what the command line says', async () => {
    await writeFile(join(folder, '.dockerignore'), 'node_modules\n');
    const words = ['-t', 'a', '.', '-t', 'b:2', '--build-arg', 'A=1=2', '--build-arg', 'B', '--build-arg', 'C'];
    const more = ['--label', 'k=v', '--label', 'bare', '--target', 'dev', '--no-cache', '--pull', '--network=none'];
    const { request } = await build([...words, ...more, '--platform', 'linux/arm64/v8'], {
      env: {
        B: 'from env',
        SOURCE_DATE_EPOCH: '1700000000',
        HTTP_PROXY: 'http://p:1',
        no_proxy: 'local',
        https_proxy: '',
        OTHER: 'x',
      },
    });
    expect(request).toEqual({
      dockerfile: { name: 'Dockerfile', text: 'FROM scratch\nRUN make\n' },
      contextDirectory: folder,
      ignore: { name: '.dockerignore', text: 'node_modules\n' },
      tags: ['a', 'b:2'],
      buildArgs: { A: '1=2', B: 'from env' },
      target: 'dev',
      labels: { k: 'v', bare: '' },
      annotations: {},
      noCache: true,
      pull: true,
      network: 'none',
      platform: 'linux/arm64/v8',
      sourceDateEpoch: 1_700_000_000,
      proxyEnv: { HTTP_PROXY: 'http://p:1', http_proxy: 'http://p:1', NO_PROXY: 'local', no_proxy: 'local' },
      secrets: {},
      ssh: [],
      entitlements: [],
      hosts: [],
      limits: [],
      shmSizeBytes: undefined,
      cdiDirectories: ['/etc/cdi', '/var/run/cdi'],
    } satisfies BuildRequest);
  });

  test.each<[string[], Partial<BuildRequest>]>([
    [['--pull=newer'], { pull: 'newer' }],
    [['--pull=never'], { pull: 'never' }],
    [['--pull=always'], { pull: true }],
    [['--pull=missing'], { pull: false }],
    [['--http-proxy=false'], { proxyEnv: {} }],
    [['--squash', '--save-stages', '--cache-ttl', '1h30m'], { squash: true, saveStages: true, cacheTtlMs: 5_400_000 }],
    [['--volume', '.:/mnt/x/:ro'], { volumes: [{ source: '', target: '/mnt/x', readonly: true }] }],
    [['--group-add=keep-groups'], { keepsGroups: true }],
    [['--resource', 'memory=2g,cpu-shares=512'], { allowance: { memoryBytes: 2 * 1024 ** 3, cpuShares: 512 } }],
  ])('%j', async (words, expected) => {
    const { request } = await build([...words, '.'], { env: { HTTP_PROXY: 'http://p:1' } });
    const volumes = expected.volumes?.map((volume) => ({ ...volume, source: folder }));
    expect(request).toMatchObject({ ...expected, ...(volumes === undefined ? {} : { volumes }) });
  });

  test.each([
    [['--pull=sometimes'], 'Use always, missing, newer, never, true, false.'],
    [['--group-add=video'], 'steps get no single groups'],
    [['--cache-ttl=soon'], 'it is no time'],
    [['--cache-ttl=1h', '--build-arg', 'SOURCE_DATE_EPOCH=1'], 'steps bear that date'],
    [['--resource', 'disk=1'], '"disk=1" is no limit'],
    [['--resource', 'memory=1g', '-m', '2g'], '--memory says it, too'],
    [['--volume', 'named:/x'], 'cannot use --volume "named:/x": there are no named volumes'],
    [['--compression=zstd', '--format=docker'], "Docker's format has no zstd"],
    [['--compression=zstd', '--compression-format=gzip'], 'they say different things'],
    [['--squash-all'], 'Write --squash'],
  ])('%j is refused: %s', async (words, message) => {
    const { status, host } = await build([...words, '.']);
    expect(status).toBe(2);
    expect(host.errors()).toContain(message);
  });

  test('options that have no effect are told once, with the reason', async () => {
    const { host } = await build(['--rm', '--builder', 'b', '--compression=zstd', '.']);
    expect(host.errors()).toContain('--rm has no effect: a build leaves no container behind');
    expect(host.errors()).toContain('--builder has no effect: there is no daemon to choose');
    expect(host.errors()).toContain('the store keeps plain layers');
    expect((await build(['.'])).host.errors()).not.toContain('no effect');
  });

  test('--log-format and --verbosity are --progress in the words of kaniko', async () => {
    const json = await build(['--log-format=json', '--rm', '.']);
    expect(JSON.parse(json.host.errors().split('\n')[0] ?? '')).toMatchObject({ type: expect.any(String) as string });
    const quiet = await build(['--verbosity=error', '.']);
    expect([quiet.host.output(), quiet.host.errors()]).toEqual(['', '']);
  });

  test('--digest-file and --metadata-file have the digest that the registry knows', async () => {
    const digest = parseDigest(`sha256:${'7'.repeat(64)}`);
    const pushed = [{ name: 'n', mediaType: 'm', digest, size: 3 }];
    await build(['--digest-file', 'd', '--metadata-file', 'm', '.'], {}, () => Promise.resolve({ ...RESULT, pushed }));
    expect(await readFile(join(folder, 'd'), 'utf8')).toBe(digest);
    const metadata = JSON.parse(await readFile(join(folder, 'm'), 'utf8')) as object;
    expect(metadata).toMatchObject({ 'containerimage.digest': digest, 'containerimage.descriptor': { size: 3 } });
  });

  test.each<[string, string[], Record<string, string>, BuildRequest['isolation']]>([
    ['the option', ['--isolation', 'oci', '.'], { TSBUILD_ISOLATION: 'chroot' }, 'oci'],
    ['the environment', ['.'], { TSBUILD_ISOLATION: 'bwrap' }, 'bwrap'],
    ['nobody', ['.'], { TSBUILD_ISOLATION: '' }, undefined],
  ])('isolates steps as %s says', async (_, words, env, isolation) => {
    expect((await build(words, { env })).request?.isolation).toBe(isolation);
  });

  test.each<[string, string[]]>([
    ['a bare option', ['-t', 'x', '.']],
    ['a bare path', ['.']],
    ['its name', ['build', '.']],
    ['its name after a global option', ['--store', '/s', 'build', '.']],
    ['a global option and a bare path', ['--store=/s', '.']],
  ])('is called by %s', async (_, words) => {
    expect((await build(words)).request?.contextDirectory).toBe(folder);
  });

  test("annotations are the manifest's, and further names the image's", async () => {
    const words = ['-t', 'a', '--annotation', 'k=v', '--annotation', 'manifest:l=w=x', '-o', 'type=image,name=b'];
    const { request } = await build([...words, '.']);
    expect(request).toMatchObject({ annotations: { k: 'v', l: 'w=x' }, tags: ['a', 'b'] });
  });

  test('annotations may be of one document', async () => {
    const words = [
      '--annotation',
      'index,manifest[linux/arm64]:k=v',
      '-o',
      'type=image,annotation-manifest-descriptor.l=w',
    ];
    const { request } = await build([...words, '.']);
    expect(request).toMatchObject({
      annotations: {},
      placedAnnotations: [
        { place: 'index', name: 'k', value: 'v' },
        { place: 'manifest', platform: 'linux/arm64', name: 'k', value: 'v' },
        { place: 'manifest-descriptor', name: 'l', value: 'w' },
      ],
    });
  });

  test.each<[string, string[], Parameters<typeof build>[1], unknown]>([
    ['one', ['--platform', 'linux/arm64'], {}, { platform: 'linux/arm64' }],
    ['one by its names', ['--platform', 'arm64,linux/arm64/v8'], {}, { platform: 'arm64' }],
    ['several', ['--platform', 'linux/arm/v7,local', '--platform', 's390x'], {}, ['linux/arm/v7', 'local', 's390x']],
    ['the usual one', [], { env: { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' } }, { platform: 'linux/arm64' }],
    [
      'what is given, not the usual one',
      ['--platform', 'arm64'],
      { env: { DOCKER_DEFAULT_PLATFORM: 'x' } },
      { platform: 'arm64' },
    ],
  ])('takes a platform: %s', async (_, words, options, expected) => {
    const { request } = await build([...words, '.'], options);
    expect(request).toMatchObject(Array.isArray(expected) ? { platforms: expected } : (expected as object));
    expect(request?.platform === undefined || request.platforms === undefined).toBe(true);
  });

  test('writes --metadata-file as docker buildx does, and removes that of an earlier build', async () => {
    const path = join(folder, 'meta.json');
    await build(['--metadata-file', path, '.']);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      'containerimage.config.digest': RESULT.imageId,
      'containerimage.descriptor': RESULT.manifest,
      'containerimage.digest': RESULT.manifest.digest,
      'image.name': 'docker.io/library/x:latest',
    });
    await build(['--metadata-file', path, '.'], {}, () => Promise.reject(new TsbuildError('RUN_FAILED', 'no')));
    expect(existsSync(path)).toBe(false);
  });

  test('takes a build argument for SOURCE_DATE_EPOCH before the environment', async () => {
    const words = ['--build-arg', 'SOURCE_DATE_EPOCH=5', '.'];
    expect((await build(words, { env: { SOURCE_DATE_EPOCH: '7' } })).request?.sourceDateEpoch).toBe(5);
  });

  test('reads the Dockerfile from standard input, with a context or without', async () => {
    const alone = await build(['-'], { stdin: 'FROM a' });
    expect(alone.request).toMatchObject({ dockerfile: { name: 'stdin', text: 'FROM a' }, contextDirectory: null });
    const within = await build(['-f', '-', '.'], { stdin: 'FROM b' });
    expect(within.request).toMatchObject({ dockerfile: { name: 'stdin', text: 'FROM b' }, contextDirectory: folder });
  });

  test.each<[string, string[], TestHostOptions, number, string]>([
    ['nothing on standard input', ['-'], {}, 3, 'error[DOCKERFILE_NOT_FOUND]'],
    ['standard input twice', ['-f', '-', '-'], {}, 2, 'error[USAGE]: cannot use "-" twice'],
    ['a missing -f', ['-f', 'nope', '.'], {}, 3, 'error[DOCKERFILE_NOT_FOUND]: cannot read Dockerfile "nope"'],
    ['an unknown network', ['--network', 'bridge', '.'], {}, 2, 'error[USAGE]: cannot use --network "bridge"'],
    ['an unknown isolation', ['.'], { env: { TSBUILD_ISOLATION: 'jail' } }, 2, 'cannot use TSBUILD_ISOLATION "jail"'],
    ['a malformed platform', ['--platform', 'a/b/c/d', '.'], {}, 2, 'error[USAGE]: cannot use --platform "a/b/c/d"'],
    ['no platform', ['--platform', 'linux/amd64,', '.'], {}, 2, 'error[USAGE]: cannot use --platform ""'],
    ['an unknown one of several', ['--platform', 'linux/arm64,linux/amd46', '.'], {}, 2, '--platform "linux/amd46"'],
    ['an unknown usual one', ['.'], { env: { DOCKER_DEFAULT_PLATFORM: 'x' } }, 2, 'use DOCKER_DEFAULT_PLATFORM "x"'],
    [
      'an annotation of nothing',
      ['--annotation', 'index-descriptor:k=v', '.'],
      {},
      2,
      'no index-descriptor to annotate',
    ],
    ['an annotation of one index', ['--annotation', 'index[linux/arm64]:k=v', '.'], {}, 2, 'is of all platforms'],
    ['a build argument without name', ['--build-arg', '=x', '.'], {}, 2, 'error[USAGE]: cannot use --build-arg "=x"'],
    ['a malformed date', ['.'], { env: { SOURCE_DATE_EPOCH: '-1' } }, 2, 'cannot use SOURCE_DATE_EPOCH "-1"'],
    ['an unknown progress', ['--progress', 'loud', '.'], {}, 2, 'error[USAGE]: cannot use --progress "loud"'],
  ])('refuses %s', async (_, words, options, status, message) => {
    const { host, ...ended } = await build(words, options);
    expect([ended.status, ended.request]).toEqual([status, undefined]);
    expect(host.errors()).toContain(message);
    expect(host.output()).toBe('');
  });

  test('writes nothing to standard output but the id with -q', async () => {
    const loud = await build(['.']);
    expect([loud.host.output(), loud.host.errors()]).toEqual([
      '',
      `image ${RESULT.imageId} (2 steps: 1 cached, 1 built)\nnamed docker.io/library/x:latest\n`,
    ]);
    const quiet = await build(['-q', '.']);
    expect([quiet.host.output(), quiet.host.errors()]).toEqual([`${RESULT.imageId}\n`, '']);
  });

  test('writes the id file at the end, and removes the one before at the beginning', async () => {
    const file = join(folder, 'id');
    await writeFile(file, 'old');
    const seen: boolean[] = [];
    const look: Toolchain['build'] = () => {
      seen.push(existsSync(file));
      return succeeds({} as BuildRequest);
    };
    await build(['--iidfile', 'id', '.'], {}, look);
    expect([seen, await readFile(file, 'utf8')]).toEqual([[false], RESULT.imageId]);
    const failing: Toolchain['build'] = () => Promise.reject(new TsbuildError('COPY_FAILED', 'no'));
    expect((await build(['--iidfile', 'id', '.'], {}, failing)).status).toBe(3);
    expect(await readdir(folder)).toEqual(['Dockerfile']);
  });

  const failure = new TsbuildError('RUN_FAILED', 'cannot run "make": exit status 2', {
    source: { file: 'Dockerfile', start: { line: 2, column: 1 }, end: { line: 2, column: 9 } },
  });
  const fails: Toolchain['build'] = (_, options) => {
    options?.progress?.({ type: 'step-planned', step: 'r', label: '[2/2] RUN make' });
    options?.progress?.({ type: 'step-started', step: 'r', at: 0 });
    options?.progress?.(log('r', 10, 'no rule\n'));
    options?.progress?.({ type: 'step-failed', step: 'r', at: 20, error: encodeError(failure) });
    return Promise.reject(failure);
  };

  test('shows the end of the output, and then the error', async () => {
    const { status, host } = await build(['-q', '.'], {}, fails);
    expect(status).toBe(4);
    expect(host.errors().split('\n')).toEqual([
      '------',
      ' > [2/2] RUN make:',
      'no rule',
      '------',
      'error[RUN_FAILED]: cannot run "make": exit status 2',
      ' --> Dockerfile:2:1',
      '  |',
      '2 | RUN make',
      '  | ^^^^^^^^',
      '',
    ]);
  });

  test('keeps to JSON on standard error, also for errors', async () => {
    const { status, host } = await build(['--progress=json', '.'], {}, fails);
    const lines = host.errors().trimEnd().split('\n');
    expect(status).toBe(4);
    expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual([
      ...['step-planned', 'step-started', 'step-log', 'step-failed', 'totals', 'error'],
    ]);
    const early = await build(['--progress=json', 'nosuch']);
    expect(JSON.parse(early.host.errors())).toMatchObject({ type: 'error', code: 'CONTEXT_INVALID' });
  });
});

describe('tsbuild save', () => {
  async function* archive(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('first ');
    yield await Promise.resolve(Buffer.from('second'));
  }
  const save: Toolchain['save'] = () => Promise.resolve(archive());

  test('writes the file whole, for its owner only', async () => {
    const host = testHost({ cwd: folder, toolchain: { save } });
    expect(await runCli(['save', '-o', 'x.tar', 'a'], host)).toBe(0);
    expect(await readFile(join(folder, 'x.tar'), 'utf8')).toBe('first second');
  });

  test('leaves no part of a file behind, and keeps the old one', async () => {
    await writeFile(join(folder, 'x.tar'), 'old');
    const failing: Toolchain['save'] = () =>
      Promise.resolve(
        (async function* () {
          yield await Promise.resolve(Buffer.from('part'));
          throw new TsbuildError('DIGEST_MISMATCH', 'cannot read blob');
        })(),
      );
    const host = testHost({ cwd: folder, toolchain: { save: failing } });
    expect(await runCli(['save', '-o', 'x.tar', 'a'], host)).toBe(6);
    expect((await readdir(folder)).sort()).toEqual(['Dockerfile', 'x.tar']);
    expect(await readFile(join(folder, 'x.tar'), 'utf8')).toBe('old');
  });

  test('stops and cleans up when it is cancelled', async () => {
    const controller = new AbortController();
    const endless: Toolchain['save'] = () =>
      Promise.resolve(
        (async function* () {
          for (let count = 0; ; count++) {
            if (count === 3) controller.abort('SIGTERM');
            yield await Promise.resolve(Buffer.from('part'));
          }
        })(),
      );
    const host = testHost({ cwd: folder, toolchain: { save: endless }, signal: controller.signal });
    expect(await runCli(['save', '-o', 'x.tar', 'a'], host)).toBe(143);
    expect([await readdir(folder), host.errors()]).toEqual([['Dockerfile'], 'cancelled\n']);
  });

  test('writes to standard output, but to no terminal', async () => {
    const host = testHost({ toolchain: { save } });
    expect([await runCli(['save', 'a'], host), host.output()]).toEqual([0, 'first second']);
    const terminal = testHost({ toolchain: { save }, stdoutIsTerminal: true });
    expect(await runCli(['save', 'a'], terminal)).toBe(2);
    expect(terminal.errors()).toContain('cannot write the archive: standard output is a terminal');
  });

  test.each([
    ['nosuch/x.tar', 'cannot write file "nosuch/x.tar": the folder does not exist'],
    ['.', 'cannot write file ".": it is a folder'],
  ])('says why it cannot write %s', async (path, message) => {
    const host = testHost({ cwd: folder, toolchain: { save } });
    expect(await runCli(['save', '-o', path, 'a'], host)).toBe(8);
    expect(host.errors()).toContain(message);
  });
});

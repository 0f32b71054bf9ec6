import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BuildRequest, BuildResult } from '../../../src/builder/build-request.js';
import { runCli } from '../../../src/cli/run-cli.js';
import type { BuildTask } from '../../../src/toolchain/toolchain-types.js';
import { BUILT } from './build-result.js';
import { testHost, type TestHost, type TestHostOptions } from './test-host.js';

const RESULT: BuildResult = { ...BUILT, names: [] };

const DEFINITION = `
variable "TAG" {
  default = "dev"
}
group "default" {
  targets = ["app"]
}
target "app" {
  context = "app"
  contexts = { base = "target:base" }
  tags = ["app:\${TAG}"]
  args = { A = "1" }
  secret = ["id=s,env=SECRET"]
}
target "base" {
  dockerfile-inline = "FROM scratch"
  tags = ["base"]
}
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-bake-'));
  await mkdir(join(folder, 'app'));
  await writeFile(join(folder, 'app', 'Dockerfile'), 'FROM base\n');
  await writeFile(join(folder, 'docker-bake.hcl'), DEFINITION);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function bake(
  words: string[],
  options: TestHostOptions = {},
): Promise<{
  readonly status: number;
  readonly tasks: readonly BuildTask[];
  readonly explained: readonly BuildRequest[];
  readonly host: TestHost;
}> {
  let tasks: readonly BuildTask[] = [];
  let explained: readonly BuildRequest[] = [];
  const host = testHost({
    cwd: folder,
    ...options,
    toolchain: {
      buildAll: (given) => {
        tasks = given;
        return Promise.resolve(given.map(() => RESULT));
      },
      explainAll: (requests) => {
        explained = requests;
        return Promise.resolve({ steps: [], images: [] });
      },
    },
  });
  return { status: await runCli(['bake', ...words], host), tasks, explained, host };
}

describe('tsbuild bake', () => {
  test('builds targets in one call, those that others use first and without a name', async () => {
    const { status, tasks } = await bake([], { env: { TAG: 'v1', SECRET: 'hush' } });
    expect(status).toBe(0);
    const [base, app] = tasks;
    expect(tasks).toHaveLength(2);
    expect(base?.request).toMatchObject({ called: 'base', dockerfile: { text: 'FROM scratch' } });
    expect(base?.outputs).toEqual([{ type: 'cacheonly' }]);
    expect(app?.request).toMatchObject({
      called: 'app',
      contextDirectory: join(folder, 'app'),
      tags: ['app:v1'],
      buildArgs: { A: '1' },
      namedContexts: [{ name: 'base', source: { kind: 'build', called: 'base' } }],
    });
    expect(Buffer.from(app?.request.secrets['s'] ?? []).toString()).toBe('hush');
  });

  test('reaches registries as it is told to, for all targets', async () => {
    const words = ['--registry-mirror', 'mirror.example', '--creds', 'r.example=me:hush', '--retry', '2'];
    const { host, status } = await bake(words, { env: { SECRET: 'x' } });
    expect(status).toBe(0);
    expect(host.opened).toMatchObject([
      {
        registries: {
          credentials: { 'r.example': { username: 'me', password: 'hush' } },
          mirrors: expect.anything() as unknown,
          retries: { pull: 2, push: 2 },
        },
      },
    ]);
    expect((await bake(['--creds', 'me:hush'], { env: { SECRET: 'x' } })).status).toBe(2);
  });

  test('what --set, --var and options for all say counts more than the file', async () => {
    const words = [
      '--set',
      'app.args.A=2',
      '--set',
      '*.platform=linux/arm64',
      '--var',
      'TAG=v2',
      '--no-cache',
      '--push',
    ];
    const [, app] = (await bake(words, { env: { TAG: 'v1', SECRET: 'x' } })).tasks;
    expect(app?.request).toMatchObject({
      tags: ['app:v2'],
      buildArgs: { A: '2' },
      platform: 'linux/arm64',
      noCache: true,
    });
    expect(app?.outputs).toEqual([{ type: 'image', push: {} }]);
  });

  test('writes what came of each target to the metadata file', async () => {
    const { host } = await bake(['--metadata-file', 'm.json', '--progress=plain'], { env: { SECRET: 'x' } });
    const { readFile } = await import('node:fs/promises');
    const metadata = JSON.parse(await readFile(join(folder, 'm.json'), 'utf8')) as object;
    expect(Object.keys(metadata)).toEqual(['app']);
    expect(host.errors()).toContain(`app ${RESULT.imageId}`);
  });

  test('--dry-run asks what all targets would do together, and builds nothing', async () => {
    const words = ['--dry-run', '--metadata-file', 'm.json', '--push'];
    const { status, tasks, explained, host } = await bake(words, { env: { SECRET: 'x' } });
    expect({ status, tasks }).toEqual({ status: 0, tasks: [] });
    expect(explained.map(({ called }) => called)).toEqual(['base', 'app']);
    expect(host.output()).toBe('0 steps: 0 cached, 0 to be done; nothing was run, built or pushed\n');
    const json = await bake(['--dry-run', '--progress=json'], { env: { SECRET: 'x' } });
    expect(JSON.parse(json.host.output())).toEqual({ version: 1, steps: [], images: [] });
    // As a build would be.
    expect((await bake(['--dry-run', '--set', 'app.output=type=what'], { env: { SECRET: 'x' } })).status).toBe(2);
  });

  test('--manifest lists what was asked for, and not what that starts from', async () => {
    const { tasks } = await bake(['--manifest', 'list'], { env: { SECRET: 'x' } });
    expect(tasks.map(({ request }) => request.manifestList)).toEqual([undefined, 'list']);
    const both = [
      'app',
      'base',
      '--manifest=list',
      '--set=base.platform=linux/arm64',
      '--set=app.platform=linux/amd64',
    ];
    expect((await bake(both, { env: { SECRET: 'x' } })).tasks).toHaveLength(2);
    const {
      status,
      host,
      tasks: none,
    } = await bake([...both, '--set=*.platform=linux/s390x'], { env: { SECRET: 'x' } });
    expect({ status, none }).toEqual({ status: 2, none: [] });
    expect(host.errors()).toContain(
      'cannot make manifest list "list": targets "base" and "app" are both for linux/s390x',
    );
  });

  test.each([
    ['output = ["type=local,dest=../out"]', 'it wants to write "../out"', '--allow=fs.write=..'],
    ['context = "/etc"', 'it wants to read "/etc"', '--allow=fs.read=/etc'],
    ['secret = ["id=k,src=/etc/hostname"]', 'it wants to read "/etc/hostname"', '--allow=fs=/etc/hostname'],
    ['ssh = ["default"]', 'it wants the SSH agent', '--allow=ssh'],
    ['entitlements = ["security.insecure"]', 'the entitlement "security.insecure"', '--allow=security.insecure'],
  ])('a definition with %s needs leave', async (line, message, allow) => {
    await writeFile(join(folder, 'x.hcl'), `target "x" {\n  dockerfile-inline = "FROM scratch"\n  ${line}\n}\n`);
    const options = { env: { SSH_AUTH_SOCK: '/run/agent' } };
    const refused = await bake(['-f', 'x.hcl', 'x'], options);
    expect(refused.status).toBe(2);
    expect(refused.host.errors()).toContain(message);
    expect(refused.tasks).toEqual([]);
    expect((await bake(['-f', 'x.hcl', 'x', allow], options)).tasks).toHaveLength(1);
  });

  test('what the command line sets itself needs none', async () => {
    const words = ['base', '--set', 'base.output=type=local,dest=../out'];
    expect((await bake(words)).tasks).toHaveLength(1);
  });

  test('lists targets and variables', async () => {
    expect((await bake(['--list=targets'])).host.output()).toContain('default   app\n');
    const { host } = await bake(['--list', 'type=variables,format=json']);
    expect(JSON.parse(host.output())).toEqual([{ name: 'TAG', value: 'dev' }]);
  });

  test.each([
    [['nosuch'], 'cannot build target "nosuch": there is no such target'],
    [['--set', 'ap.tags=x'], 'Did you mean app?'],
    [['--set', 'app.tgas=x'], 'Did you mean tags?'],
    [['https://example.org/x.git'], 'definitions are read from this machine only'],
    [['-f', 'missing.hcl'], 'cannot read definition file "missing.hcl": no such file'],
    [['--list', 'x'], 'there is nothing like it to list'],
    [['--list', 'targets', '--dry-run'], 'cannot use --list and --dry-run together'],
    [['--print', '--dry-run'], 'cannot use --print and --dry-run together'],
  ])('%j is refused', async (words, message) => {
    const { status, host } = await bake(words);
    expect(status).not.toBe(0);
    expect(host.errors()).toContain(message);
  });
});

import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Answer, SeenRequest } from '../../src/testing/exchange.js';
import { startScriptedRegistry, type ScriptedRegistry } from '../../src/testing/scripted-registry.js';
import { dockerRegistry, startDockerRegistry } from '../support/docker-registry.js';
import { tsbuild, type CliResult } from '../support/tsbuild.js';

// Each machine is a store of its own; what they share is a registry or a folder.

let root: string;
let context: string;
let registry: ScriptedRegistry;
let script: (request: SeenRequest) => Answer | undefined = () => undefined;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-build-cache-'));
  chmodSync(root, 0o755);
  context = mkdtempSync(join(root, 'context-'));
  writeFileSync(join(context, 'file'), 'content\n');
  registry = await startScriptedRegistry((request) => script(request));
  await prepare(registry.host);
  const { exitCode, stderr } = await build('maker', ['-t', `${registry.host}/app`, '--push', ...cacheTo('app:cache')]);
  expect({ exitCode, warning: /^warning/m.test(stderr) }).toEqual({ exitCode: 0, warning: false });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});
beforeEach(() => {
  script = () => undefined;
});

const at = (name: string): string => join(root, name);
const cacheTo = (name: string, more = ''): readonly string[] => [
  '--cache-to',
  `type=registry,ref=${registry.host}/${name},mode=max${more}`,
];
const cacheFrom = (name: string): readonly string[] => ['--cache-from', `${registry.host}/${name}`];

const dockerfile = (host: string, more = ''): string => `FROM ${host}/base AS tools
RUN mkdir /tools && echo tool > /tools/tool && echo > /other
FROM ${host}/base
WORKDIR /app
COPY file .
RUN cat file > copy
COPY --from=tools /tools /tools
${more}`;

async function prepare(host: string): Promise<void> {
  const env = { TSBUILD_STORE: at('maker') };
  expect((await tsbuild(['bootstrap', '-q', '-t', `${host}/base`], { env })).stderr).toBe('');
  expect((await tsbuild(['push', '-q', `${host}/base`], { env })).stderr).toBe('');
}

interface Built extends Pick<CliResult, 'exitCode' | 'stderr'> {
  /** The instructions that were done, not found. */
  readonly done: readonly string[];
  readonly messages: readonly string[];
}

async function build(machine: string, words: readonly string[], text = dockerfile(registry.host)): Promise<Built> {
  const env = { TSBUILD_STORE: at(machine) };
  const args = ['build', '--progress', 'json', '-f', '-', ...words, context];
  const { exitCode, stderr } = await tsbuild(args, { env, input: text });
  const events = stderr.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Event] : []));
  const labels = new Map(events.flatMap(({ type, step, label }) => (type === 'step-planned' ? [[step, label]] : [])));
  const done = events.flatMap(({ type, step }) => (type === 'step-done' ? [labels.get(step) ?? ''] : []));
  return {
    exitCode,
    stderr,
    done: done
      .filter((label) => !/^\[(?:internal|output)\]/.test(label))
      .map((label) => label.replace(/^\[[^\]]*\] /, '')),
    messages: events.flatMap(({ type, message }) => (type === 'warning' || type === 'notice' ? [message] : [])),
  };
}

interface Event {
  readonly type: string;
  readonly step: string;
  readonly label: string;
  readonly message: string;
}

/** Names of the blobs that were fetched while it was done; without configs, which planning needs. */
async function layersFetched(act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = registry.seen.length;
  await act();
  const fetched = registry.seen
    .slice(before)
    .filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'));
  return fetched.map(({ path }) => path.split('/').at(-1) ?? '').filter((digest) => isLayer(digest));
}

function isLayer(digest: string): boolean {
  const bytes = blob(digest);
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Whatever the repository. */
function blob(digest: string): Buffer {
  const found = [...registry.content.blobs].find(([key]) => key.endsWith(`@${digest}`));
  return found?.[1] ?? Buffer.of();
}

const tagged = (name: string): string => registry.content.manifests.get(name)?.bytes.toString() ?? '';

const blobsIn = (machine: string): readonly string[] => readdirSync(at(`${machine}/blobs/sha256`));

describe('a cache in a registry', () => {
  test('gives another machine all steps, and what is only pushed moves no layer', async () => {
    const fetched = await layersFetched(async () => {
      const built = await build('pusher', [
        '-t',
        `${registry.host}/app:2`,
        '-t',
        `${registry.host}/other`,
        '--push',
        ...cacheFrom('app:cache'),
      ]);
      expect(built).toMatchObject({ exitCode: 0, done: [], messages: [] });
      expect(built.stderr).toContain('"forPush":true');
    });
    expect(fetched).toEqual([]);
    expect(tagged('app:2')).toBe(tagged('app:latest'));
    expect(tagged('app:2')).toContain('layers');
    expect(tagged('other:latest')).toBe(tagged('app:latest'));
    expect(existsSync(at('pusher/snapshots/host'))).toBe(false);
  });

  test('fills the store where the image is to stay, and is then not needed any more', async () => {
    const fetched = await layersFetched(async () => {
      expect((await build('keeper', ['-t', 'kept', ...cacheFrom('app:cache')])).done).toEqual([
        expect.stringMatching(/^FROM/),
      ]);
    });
    expect(new Set(fetched).size).toBe(fetched.length);
    expect(fetched).toHaveLength(5);
    const env = { TSBUILD_STORE: at('keeper') };
    expect((await tsbuild(['fsck'], { env })).exitCode).toBe(0);
    const again = await layersFetched(async () => {
      const { done } = await build('keeper', ['-t', 'kept']);
      // The layer of the other stage was not needed, and so is not here.
      expect(done).toContain('RUN mkdir /tools && echo tool > /tools/tool && echo > /other');
      expect(done).not.toContain('RUN cat file > copy');
    });
    expect(again).toEqual([]);
  });

  test('lets a step that is new run on steps that are not, and fetches what that takes', async () => {
    const text = dockerfile(registry.host, 'RUN cat /tools/tool copy > /all\n');
    const built = await build('runner', ['-o', at('files'), ...cacheFrom('app:cache')], text);
    expect(built).toMatchObject({
      exitCode: 0,
      done: expect.arrayContaining(['RUN cat /tools/tool copy > /all']) as unknown,
    });
    expect(built.done).not.toContain('RUN cat file > copy');
    expect(readFileSync(at('files/all'), 'utf8')).toBe('tool\ncontent\n');
  });
});

describe('a cache that is of no use is told of, and the build goes on', () => {
  const all = 5;
  test('it is not there', async () => {
    const built = await build('none', ['-o', 'type=cacheonly', ...cacheFrom('app:nothing')]);
    expect(built.messages).toEqual([expect.stringContaining('app:nothing is not there yet')]);
    expect([built.exitCode, built.done.length]).toEqual([0, all + 1]);
  });

  test('nobody answers, it is an image without one, or of another make', async () => {
    writeFileSync(at('layout'), 'no folder');
    const folder = `type=local,src=${at('layout')}`;
    const words = ['--cache-from', '127.0.0.1:1/x', ...cacheFrom('base'), '--cache-from', folder];
    // What the machine knows already, it does not ask for.
    const text = dockerfile(registry.host, 'RUN true\n');
    const { exitCode, messages, done } = await build('none', ['-o', 'type=cacheonly', ...words], text);
    expect({ exitCode, done }).toEqual({ exitCode: 0, done: ['RUN true'] });
    expect(messages).toEqual([
      expect.stringMatching(/left out cache 127\.0\.0\.1:1\/x.*: cannot/),
      expect.stringContaining('there is no cache of tsbuild in it'),
      expect.stringContaining('left out cache'),
    ]);
  });

  test('a layer of it has gone: the steps are done here', async () => {
    const gone = firstLayer();
    script = ({ method, path }) => (method === 'GET' && path.endsWith(gone) ? { status: 404 } : undefined);
    const built = await build('gone', ['-t', 'x', ...cacheFrom('app:cache')]);
    expect(built.exitCode).toBe(0);
    expect(built.messages).toEqual([expect.stringContaining('stopped using cache')]);
    expect((await tsbuild(['fsck'], { env: { TSBUILD_STORE: at('gone') } })).exitCode).toBe(0);
  });

  test('a layer of it has other bytes than its digest says', async () => {
    const changed = firstLayer();
    script = ({ method, path }) =>
      method === 'GET' && path.endsWith(changed) ? { status: 200, body: Buffer.from('not these bytes') } : undefined;
    const built = await build('changed', ['-t', 'x', ...cacheFrom('app:cache')]);
    expect([built.exitCode, built.messages]).toEqual([0, [expect.stringContaining('stopped using cache')]]);
  });

  test('a step of it names a layer with other content than its diffId says, and no record of that stays', async () => {
    // The record of one step with the layer of another: every digest holds, and the content is not the step's.
    const cache = cacheDocument('app:cache');
    const { steps } = cache;
    const [one, two] = steps;
    if (one === undefined || two === undefined) throw new Error('a cache of several steps');
    const lying = steps.map((step) => ({ ...step, layer: step === one ? two.layer : one.layer }));
    publish('app', 'poisoned', { ...cache, steps: lying });
    const built = await build('victim', ['-t', 'x', ...cacheFrom('app:poisoned')]);
    expect([built.exitCode, built.messages]).toEqual([0, [expect.stringContaining('stopped using cache')]]);
    const clean = await build('victim', ['-t', 'x', '-o', at('victim-files')]);
    expect([clean.exitCode, readFileSync(at('victim-files/app/copy'), 'utf8')]).toEqual([0, 'content\n']);
  });
});

test('an image can have its cache in it, with min as its mode', async () => {
  const name = `${registry.host}/inlined`;
  expect((await build('maker', ['-t', name, '--push', '--cache-to', 'type=inline'])).exitCode).toBe(0);
  const fetched = await layersFetched(async () => {
    const built = await build('inliner', ['-t', name, '--push', '--cache-from', name, '--cache-to', 'inline']);
    // The steps of the other stage are in no layer of the image.
    expect(built.done).toContain('RUN mkdir /tools && echo tool > /tools/tool && echo > /other');
    expect(built.done).not.toContain('RUN cat file > copy');
  });
  // The base, for that stage; none of the steps that were found.
  expect(fetched).toHaveLength(1);
});

test('a folder holds caches by tag, and forgets what it had under one that is exported again', async () => {
  const folder = at('shared');
  const to = (tag: string): readonly string[] => ['--cache-to', `type=local,dest=${folder},tag=${tag},mode=max`];
  const one = `FROM scratch\nCOPY file /one\n`;
  const two = `FROM scratch\nCOPY file /two\n`;
  const only = ['-o', 'type=cacheonly'];
  const files = (): number => readdirSync(join(folder, 'blobs/sha256')).length;
  await build('folder', [...only, ...to('a')], one);
  const before = files();
  await build('folder', [...only, ...to('a')], two);
  expect(files()).toBe(before);
  await build('folder', [...only, ...to('b')], one);
  const from = ['--cache-from', `type=local,src=${folder},tag=b`];
  expect((await build('reader', [...only, ...from], one)).done).toEqual([]);
  expect(blobsIn('reader')).toEqual([]);
});

test('an export that fails is a warning, and an error for who asks for it', async () => {
  script = ({ method, path }) => (method === 'PUT' && path.includes('/manifests/full') ? { status: 507 } : undefined);
  const only = ['-o', 'type=cacheonly'];
  const told = await build('maker', [...only, ...cacheTo('app:full')]);
  expect([told.exitCode, told.messages]).toEqual([0, [expect.stringContaining('did not export the cache')]]);
  expect((await build('maker', [...only, ...cacheTo('app:full', ',ignore-error=false')])).exitCode).toBe(7);
});

test('COPY --link upon a base that is elsewhere sends its own layer, and fetches none', async () => {
  const fetched = await layersFetched(async () => {
    const text = `FROM ${registry.host}/base\nCOPY --link file /linked\nENV A=b\n`;
    const built = await build('linker', ['-t', `${registry.host}/linked`, '--push'], text);
    expect(built).toMatchObject({ exitCode: 0, done: ['COPY --link file /linked'] });
  });
  expect(fetched).toEqual([]);
  // The new layer, its manifest and its config.
  const kept = blobsIn('linker').map((name) => readFileSync(at(`linker/blobs/sha256/${name}`)).length);
  expect(kept.filter((size) => size > 100_000)).toEqual([]);
});

test.skipIf(dockerRegistry.skip)(
  `two machines share a cache in a docker-registry (${dockerRegistry.reason})`,
  async () => {
    const docker = await startDockerRegistry();
    try {
      await prepare(docker.host);
      const text = dockerfile(docker.host);
      const ref = `${docker.host}/team/app:cache`;
      const to = ['--cache-to', `type=registry,ref=${ref},mode=max,compression=zstd`];
      expect((await build('maker', ['-t', `${docker.host}/team/app`, '--push', ...to], text)).exitCode).toBe(0);
      const before = docker.requests().length;
      const words = ['-t', `${docker.host}/team/app:2`, '--push', '--cache-from', `type=registry,ref=${ref}`];
      expect(await build('docker-taker', words, text)).toMatchObject({ exitCode: 0, done: [], messages: [] });
      const gets = docker
        .requests()
        .slice(before)
        .filter((line) => /^GET .*\/blobs\//.test(line));
      // Two configs: of the base, and of the cache.
      expect(gets).toHaveLength(2);
    } finally {
      await docker.stop();
    }
  },
);

interface WireStep {
  readonly layer: number;
  readonly diffId: string;
}

interface WireManifest {
  readonly config: { readonly digest: string; readonly size: number };
  readonly layers: readonly { readonly digest: string }[];
}

const manifestOf = (name: string): WireManifest => JSON.parse(tagged(name)) as WireManifest;

/** Of the step that makes `/app/copy`. */
function firstLayer(): string {
  const digests = manifestOf('app:cache').layers.map(({ digest }) => digest);
  return digests.find((digest) => gunzipSync(blob(digest)).includes('copy')) ?? '';
}

function cacheDocument(name: string): { readonly steps: readonly WireStep[] } {
  return JSON.parse(blob(manifestOf(name).config.digest).toString()) as { readonly steps: readonly WireStep[] };
}

function publish(repository: string, tag: string, document: object): void {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = registry.content.putBlob(repository, bytes);
  const manifest = manifestOf('app:cache');
  const changed = { ...manifest, config: { ...manifest.config, digest, size: bytes.length } };
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  registry.content.putManifest(repository, tag, { mediaType, bytes: Buffer.from(JSON.stringify(changed)) });
}

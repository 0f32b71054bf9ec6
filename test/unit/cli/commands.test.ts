import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../../src/cli/run-cli.js';
import type { BuildPlan } from '../../../src/builder/plan.js';
import { parseDigest, type Digest } from '../../../src/oci/digest.js';
import type { HistoryEntry, ImageConfig } from '../../../src/oci/image.js';
import { formatReference, parseReference } from '../../../src/oci/reference.js';
import { TsbuildError } from '../../../src/support/errors.js';
import type { ImageDetails, Toolchain } from '../../../src/toolchain/toolchain-types.js';
import { testHost, type TestHost, type TestHostOptions } from './test-host.js';

const digestOf = (text: string): Digest => parseDigest(`sha256:${createHash('sha256').update(text).digest('hex')}`);
const LAYER = digestOf('layer');

interface Made {
  readonly name: string | null;
  readonly created?: string;
  readonly size?: number;
  readonly resolved?: Digest;
  readonly history?: readonly HistoryEntry[];
  readonly layers?: readonly number[];
}

function image({ name, created, size = 0, resolved, history = [], layers = [] }: Made): ImageDetails {
  const reference = name === null ? null : parseReference(name);
  const id = digestOf(`config of ${name ?? 'none'}`);
  const config: ImageConfig = {
    os: 'linux',
    architecture: 'amd64',
    ...(created === undefined ? {} : { created }),
    author: 'A. Uthor',
    config: { Env: ['PATH=/bin'], User: 'app' },
    rootfs: { type: 'layers', diff_ids: [LAYER] },
    history,
  };
  const descriptor = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digestOf('manifest'),
    size: 1,
  } as const;
  const configDescriptor = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: id, size: 1 } as const;
  return {
    image: {
      name: reference === null ? null : { ...reference, tag: reference.tag ?? 'latest' },
      descriptor,
      ...(resolved === undefined ? {} : { resolved }),
    },
    manifest: {
      descriptor,
      bytes: Buffer.alloc(0),
      value: {
        schemaVersion: 2,
        mediaType: descriptor.mediaType,
        config: configDescriptor,
        layers: layers.map((layer) => ({
          mediaType: 'application/vnd.oci.image.layer.v1.tar',
          digest: LAYER,
          size: layer,
        })),
      },
    },
    config: { descriptor: configDescriptor, bytes: Buffer.alloc(0), value: config },
    names: reference === null ? [] : [formatReference(reference)],
    repoDigests: resolved === undefined ? [] : [`x@${resolved}`],
    size,
  };
}

async function run(words: string[], options: TestHostOptions = {}): Promise<[number, string, string]> {
  const host = testHost(options);
  return [await runCli(words, host), host.output(), host.errors()];
}

const withTools = (toolchain: Partial<Toolchain>): TestHostOptions => ({ toolchain });
const notFound = (name: string): TsbuildError => new TsbuildError('IMAGE_NOT_FOUND', `cannot find image "${name}"`);

describe('tsbuild images', () => {
  const images = [
    image({ name: 'debian:12', created: '2023-12-01T00:00:00Z', size: 117_000_000, resolved: digestOf('index') }),
    image({ name: 'localhost:5000/team/app:1', created: '2024-01-10T11:58:00Z', size: 7_834_567 }),
    image({ name: null, created: '2024-01-10T11:59:59Z', size: 1 }),
  ];
  const tools = withTools({ images: () => Promise.resolve(images) });
  const short = (name: string): string => digestOf(`config of ${name}`).slice(7, 19);

  test('prints the table that Docker prints, newest first', async () => {
    const [status, output] = await run(['images'], tools);
    expect(status).toBe(0);
    expect(output.split('\n')).toEqual([
      'REPOSITORY                TAG       IMAGE ID       CREATED         SIZE',
      `<none>                    <none>    ${short('none')}   1 second ago    1B`,
      `localhost:5000/team/app   1         ${short('localhost:5000/team/app:1')}   2 minutes ago   7.83MB`,
      `debian                    12        ${short('debian:12')}   5 weeks ago     117MB`,
      '',
    ]);
  });

  test.each<[string, string[], number]>([
    ['a repository', ['debian'], 1],
    ['its full name', ['docker.io/library/debian'], 1],
    ['a name and a tag', ['debian:12'], 1],
    ['another tag', ['debian:11'], 0],
    ['a pattern', ['localhost:5000/*/app'], 1],
    ['a pattern that stops at slashes', ['localhost:5000/*'], 0],
    ['a pattern with a choice of characters', ['debian:1[1-3]'], 1],
  ])('lists by %s', async (_, words, count) => {
    const [, output] = await run(['images', '-q', ...words], tools);
    expect(output.split('\n').length - 1).toBe(count);
  });

  test('refuses a pattern that is malformed', async () => {
    const [status, , errors] = await run(['images', 'debian:[1'], tools);
    expect(status).toBe(2);
    expect(errors).toContain('cannot use pattern "debian:[1": it is malformed');
  });

  test('prints whole digests and objects when asked', async () => {
    expect((await run(['images', '--digests', 'debian'], tools))[1]).toContain(` ${digestOf('index')} `);
    expect((await run(['images', '-q', '--no-trunc', 'debian'], tools))[1]).toBe(
      `${digestOf('config of debian:12')}\n`,
    );
    const [, json] = await run(['images', '--format=json', 'debian'], tools);
    expect(JSON.parse(json)).toEqual({
      Repository: 'debian',
      Tag: '12',
      Digest: digestOf('index'),
      ID: short('debian:12'),
      CreatedSince: '5 weeks ago',
      CreatedAt: '2023-12-01 00:00:00 +0000 UTC',
      Size: '117MB',
      Containers: 'N/A',
      SharedSize: 'N/A',
      UniqueSize: 'N/A',
      VirtualSize: '117MB',
    });
  });

  test.each([
    ['{{.Repository}}:{{.Tag}} {{.Size}}', 1],
    ['table {{.ID}}\\t{{.Repository}}', 2],
  ])('--format %s shows a line for each, and a heading where it is a table', async (format, lines) => {
    const [status, output] = await run(['images', '--format', format, 'debian'], tools);
    expect(status).toBe(0);
    expect(output.match(/\n/g)).toHaveLength(lines);
    expect(output).toContain('debian');
    if (lines > 1) expect(output).toMatch(/^IMAGE ID +REPOSITORY\n/);
  });

  test.each<[readonly string[], RegExp | string]>([
    [['reference=deb*'], /^debian:\S+\n$/],
    [['reference=deb*', 'dangling=true'], ''],
    [['label=no-such-label'], ''],
    [['until=1970-01-02'], /^(?!.*debian)/s],
  ])('--filter %j leaves out the others', async (filters, expected) => {
    const words = filters.flatMap((filter) => ['--filter', filter]);
    const [status, output] = await run(['images', '--format', '{{.Repository}}:{{.Tag}}', ...words], tools);
    expect(status).toBe(0);
    if (typeof expected === 'string') expect(output).toBe(expected);
    else expect(output).toMatch(expected);
  });

  test.each(['dangling=perhaps', 'until=yesterday', 'name=x', 'label'])('refuses --filter %s', async (filter) => {
    const [status, , errors] = await run(['images', '--filter', filter], tools);
    expect(status).toBe(2);
    expect(errors).toContain(`cannot use --filter "${filter}"`);
  });

  test('refuses a format that it does not have', async () => {
    expect(await run(['images', '--format', 'xml'])).toEqual([
      2,
      '',
      'error[USAGE]: cannot use --format "xml": no such format\nhint: Use table, json or a template such as {{.ID}}.\n',
    ]);
  });
});

describe('tsbuild history', () => {
  const details = image({
    name: 'x:1',
    history: [
      { created: '2023-01-01T00:00:00Z', created_by: 'ADD file:abc in /' },
      { created: '2024-01-10T11:00:00Z', created_by: 'ENV A=1', empty_layer: true },
      { created: '2024-01-10T11:59:00Z', created_by: `RUN\tmake ${'x'.repeat(50)}\x1b[2J`, comment: 'tsbuild' },
    ],
    layers: [29_000_000, 5200],
  });
  const tools = withTools({ image: () => Promise.resolve(details) });
  const id = details.manifest.value.config.digest;

  test('gives each layer to its entry', async () => {
    const [status, output] = await run(['history', 'x:1'], tools);
    expect(status).toBe(0);
    expect(output.split('\n')).toEqual([
      'IMAGE          CREATED              CREATED BY                                      SIZE      COMMENT',
      `${id.slice(7, 19)}   About a minute ago   RUN make ${'x'.repeat(35)}…   5.2kB     tsbuild`,
      '<missing>      About an hour ago    ENV A=1                                         0B',
      '<missing>      12 months ago        ADD file:abc in /                               29MB',
      '',
    ]);
  });

  test('gives exact figures and whole texts when asked', async () => {
    const [, output] = await run(['history', '--human=false', '--no-trunc', 'x:1'], tools);
    expect(output.split('\n')[1]?.split(/ {3,}/)).toEqual([
      id,
      '2024-01-10T11:59:00Z',
      `RUN make ${'x'.repeat(50)}`,
      '5200',
      'tsbuild',
    ]);
    expect((await run(['history', '-q', 'x:1'], tools))[1]).toBe(`${id.slice(7, 19)}\n<missing>\n<missing>\n`);
  });
});

describe('tsbuild inspect', () => {
  const details = image({ name: 'x:1', created: '2024-01-01T00:00:00Z', size: 42, resolved: digestOf('index') });
  const tools = withTools({
    image: (name) => (name === 'x:1' ? Promise.resolve(details) : Promise.reject(notFound(name))),
  });
  const expected = {
    Id: details.manifest.value.config.digest,
    RepoTags: ['x:1'],
    RepoDigests: [`x@${digestOf('index')}`],
    Comment: '',
    Created: '2024-01-01T00:00:00Z',
    Author: 'A. Uthor',
    Config: { Env: ['PATH=/bin'], User: 'app' },
    Architecture: 'amd64',
    Os: 'linux',
    Size: 42,
    RootFS: { Type: 'layers', Layers: [LAYER] },
  };

  test("prints an array as Docker's", async () => {
    const [status, output] = await run(['inspect', 'x:1'], tools);
    expect([status, JSON.parse(output)]).toEqual([0, [expected]]);
  });

  test('prints what there is, and fails for what there is not', async () => {
    const [status, output, errors] = await run(['inspect', 'nope', 'x:1', 'nada'], tools);
    expect([status, JSON.parse(output)]).toEqual([7, [expected]]);
    expect(errors).toBe(
      'error[IMAGE_NOT_FOUND]: cannot find image "nope"\nerror[IMAGE_NOT_FOUND]: cannot find image "nada"\n',
    );
  });

  test.each([
    ['{{.Id}}', `${expected.Id}\n`],
    ['{{ .Os }}/{{.Architecture}}', 'linux/amd64\n'],
    ['{{json .Config.Env}}', '["PATH=/bin"]\n'],
    ['{{.Config.User}} {{.Size}}', 'app 42\n'],
    ['[{{.Config.WorkingDir}}]', '[]\n'],
    ['json', `${JSON.stringify(expected)}\n`],
  ])('fills in the template %s', async (template, output) => {
    expect(await run(['inspect', '-f', template, 'x:1'], tools)).toEqual([0, output, '']);
  });

  test.each(['{{range .Layers}}{{end}}', '{{.Config.Env | nothing}}', '{{.Nothing}}'])(
    'refuses the template %s',
    async (template) => {
      const [status, , errors] = await run(['inspect', '-f', template, 'x:1'], tools);
      expect(status).toBe(2);
      expect(errors).toMatch(/^error\[USAGE\]: cannot use --format ".*": .*\nhint: /);
    },
  );
});

describe('tsbuild pull and push', () => {
  const events: Toolchain['push'] = (_, options) => {
    options?.progress?.({ type: 'transfer', step: 's', item: LAYER, direction: 'pull', current: 0, total: 9 });
    const half = { type: 'transfer', step: 's', item: digestOf('half'), direction: 'pull', total: 9 } as const;
    options?.progress?.({ ...half, current: 4 });
    options?.progress?.({ ...half, current: 5 });
    options?.progress?.({
      type: 'transfer',
      step: 's',
      item: LAYER,
      direction: 'pull',
      current: 9,
      total: 9,
      done: true,
    });
    const existing = { type: 'transfer', step: 's', item: digestOf('old'), direction: 'pull', current: 0 } as const;
    options?.progress?.({ ...existing, done: true, existed: true });
    options?.progress?.({ type: 'notice', message: 'took the mirror' });
    return Promise.resolve({
      ...{ name: 'docker.io/library/alpine:latest', digest: digestOf('m'), size: 527 },
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
    });
  };
  const tools = withTools({
    pull: async (name, options) => ({ ...(await events(name, options)), changed: true }),
    push: events,
  });

  test('pull prints what docker pull prints', async () => {
    const [status, output, errors] = await run(['pull', 'alpine'], tools);
    expect([status, errors]).toEqual([0, 'note: took the mirror\n']);
    expect(output.split('\n')).toEqual([
      'Using default tag: latest',
      'latest: Pulling from library/alpine',
      `${LAYER.slice(7, 19)}: Pulling fs layer`,
      `${digestOf('half').slice(7, 19)}: Resuming download`,
      `${LAYER.slice(7, 19)}: Pull complete`,
      `${digestOf('old').slice(7, 19)}: Already exists`,
      `Digest: ${digestOf('m')}`,
      'Status: Downloaded newer image for alpine:latest',
      'docker.io/library/alpine:latest',
      '',
    ]);
  });

  test('pull says when nothing was new', async () => {
    const pull: Toolchain['pull'] = () =>
      Promise.resolve({ name: 'docker.io/u/x:1', digest: digestOf('m'), changed: false });
    const [, output] = await run(['pull', 'u/x:1'], withTools({ pull }));
    expect(output).toContain('Status: Image is up to date for u/x:1\n');
  });

  test('push prints what docker push prints', async () => {
    const [status, output] = await run(['push', 'localhost:5000/a:1'], tools);
    expect(status).toBe(0);
    expect(output.split('\n')).toEqual([
      'The push refers to repository [localhost:5000/a]',
      `${LAYER.slice(7, 19)}: Pushed`,
      `${digestOf('old').slice(7, 19)}: Layer already exists`,
      `1: digest: ${digestOf('m')} size: 527`,
      '',
    ]);
  });

  test.each<[readonly string[], object]>([
    [['pull', 'x', '--all-platforms'], { allPlatforms: true, platform: undefined }],
    [['pull', 'x', '--platform', 'linux/arm64'], { allPlatforms: false, platform: 'linux/arm64' }],
    [['push', 'x'], { compression: undefined, format: undefined, platform: undefined }],
    [
      ['push', 'x', '--compression', 'zstd', '--format', 'oci', '--platform=linux/arm64'],
      { compression: 'zstd', format: 'oci', platform: 'linux/arm64' },
    ],
    [
      ['push', 'x', '--compression-level', '0'],
      { compression: undefined, compressionLevel: 0, forceCompression: undefined },
    ],
    [
      ['push', 'x', '--compression', 'zstd', '--compression-level', '22', '--force-compression'],
      { compression: 'zstd', compressionLevel: 22, forceCompression: true },
    ],
  ])('pass on what %j says', async (argv, expected) => {
    let given: object | undefined;
    const note = (name: string, options?: object) => {
      given = options;
      return Promise.resolve({ name, mediaType: 'm', digest: digestOf('m'), size: 1, changed: true });
    };
    expect((await run([...argv], withTools({ pull: note, push: note })))[0]).toBe(0);
    expect(given).toMatchObject(expected);
  });

  test.each<[readonly string[], string]>([
    [['pull', 'x', '--all-platforms', '--platform', 'linux/arm64'], 'cannot use --platform together'],
    [['push', 'x', '--compression', 'xz'], 'cannot use --compression "xz": no such compression'],
    [['push', 'x', '--format', 'v1'], 'cannot use --format "v1": no such format'],
    [['push', 'x', '--format', 'docker', '--compression', 'zstd'], "Docker's format has no zstd"],
    [['push', 'x', '--all-tags'], 'does not support it'],
    [['push', 'x', '--compression-level', '10'], 'cannot use --compression-level "10": gzip has no such level'],
    [['push', 'x', '--compression-level', 'best'], 'cannot use --compression-level "best"'],
    [['push', 'x', '--compression', 'zstd', '--compression-level', '0'], 'zstd has no such level'],
    [['push', 'x', '--force-compression'], 'cannot use --force-compression: no compression is given'],
    [['save', 'x', '-o', 'f', '--compression-level', '3'], 'cannot use --compression-level: no compression is given'],
    [['save', 'x', '-o', 'f', '--compress', 'none', '--compression-level', '3'], 'no compression is given'],
    [['pull', 'x', '--platform', 'arm/'], 'cannot use --platform "arm/"'],
  ])('refuse %j before anything is opened', async (argv, message) => {
    const host: TestHost = testHost();
    expect(await runCli([...argv], host)).toBe(2);
    expect([host.output(), host.opened]).toEqual(['', []]);
    expect(host.errors()).toContain(message);
  });

  test('both print only the name with -q', async () => {
    expect((await run(['pull', '-q', 'alpine'], tools))[1]).toBe('docker.io/library/alpine:latest\n');
    expect((await run(['push', 'alpine', '-q'], tools))[1]).toBe('docker.io/library/alpine:latest\n');
  });

  test('refuse a malformed name before anything is opened', async () => {
    const host: TestHost = testHost();
    expect(await runCli(['pull', 'Alpine'], host)).toBe(2);
    expect([host.output(), host.opened]).toEqual(['', []]);
  });
});

describe('tsbuild load, rmi, tag and graph', () => {
  test('load names what it loaded', async () => {
    const read: Buffer[] = [];
    const names: unknown[] = [];
    const load: Toolchain['load'] = async (source, options) => {
      names.push(options?.streamName);
      for await (const chunk of source) read.push(Buffer.from(chunk));
      return [
        { name: 'docker.io/library/a:1', imageId: digestOf('a') },
        { name: null, imageId: digestOf('b') },
      ];
    };
    const [status, output] = await run(['load'], { stdin: 'archive', toolchain: { load } });
    expect([status, output]).toEqual([0, `Loaded image: a:1\nLoaded image ID: ${digestOf('b')}\n`]);
    expect(Buffer.concat(read).toString()).toBe('archive');
    expect(names).toEqual(['the archive on the standard input']);
  });

  test('load says that a file is missing', async () => {
    const [status, , errors] = await run(['load', '-i', 'nosuch.tar']);
    expect([status, errors]).toEqual([
      2,
      'error[USAGE]: cannot read archive "nosuch.tar": no such file\nhint: Check the path. See \'tsbuild load --help\'.\n',
    ]);
  });

  test('rmi goes on after a failure, and ends with its status', async () => {
    const forced: unknown[] = [];
    const remove: Toolchain['remove'] = (name, options) => {
      forced.push(options?.force);
      if (name === 'nope') return Promise.reject(notFound(name));
      return Promise.resolve([
        { kind: 'untagged', name: `docker.io/library/${name}:latest` },
        { kind: 'deleted', digest: digestOf(name) },
      ]);
    };
    expect(await run(['rmi', 'nope', 'a'], withTools({ remove }))).toEqual([
      7,
      `Untagged: a:latest\nDeleted: ${digestOf('a')}\n`,
      'error[IMAGE_NOT_FOUND]: cannot find image "nope"\n',
    ]);
    expect(await run(['rmi', '-f', 'nope'], withTools({ remove }))).toEqual([0, '', 'note: no such image: nope\n']);
    expect(forced).toEqual([false, false, true]);
  });

  test('tag is silent', async () => {
    const given: string[] = [];
    const tag: Toolchain['tag'] = (source, target) => Promise.resolve(void given.push(source, target));
    expect(await run(['tag', 'a', 'b:2'], withTools({ tag }))).toEqual([0, '', '']);
    expect(given).toEqual(['a', 'b:2']);
  });

  test('graph prints the plan in the DOT language', async () => {
    const plan = {
      graph: {
        target: 'a',
        vertices: new Map([['a', { id: 'a', operation: { kind: 'scratch' }, inputs: [], label: 'FROM scratch' }]]),
      },
    };
    const [status, output] = await run(['graph', '-'], {
      stdin: 'FROM scratch',
      toolchain: { plan: () => Promise.resolve(plan as unknown as BuildPlan) },
    });
    expect(status).toBe(0);
    expect(output).toContain('digraph');
    expect(output).toContain('FROM scratch');
  });
});

test('images says which it cannot list, and lists the others', async () => {
  const descriptor = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digestOf('lost'),
    size: 4,
  } as const;
  const images: Toolchain['images'] = (options) => {
    options?.onLost?.({ name: { registry: 'docker.io', repository: 'library/app', tag: '1' }, descriptor });
    return Promise.resolve([]);
  };
  const host = testHost({ toolchain: { images } });
  expect(await runCli(['images', '-q'], host)).toBe(0);
  expect(host.errors()).toBe(
    'warning: image "app:1" is damaged and not listed: pull, load or build it again, or remove it\n',
  );
});

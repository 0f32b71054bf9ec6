import { describe, expect, it } from 'vitest';
import type { ImageConfig } from '../../../../src/oci/image.js';
import type { ContextSource, NamedContext } from '../../../../src/builder/build-request.js';
import { copies, historyLines, labels, operations, planError, planText, vertices } from './plan-text.js';

const directory: ContextSource = { kind: 'directory', directory: '/somewhere', ignore: null };
const image = (reference: string): ContextSource => ({ kind: 'image', reference });
const named = (contexts: Readonly<Record<string, ContextSource>>): { readonly namedContexts: NamedContext[] } => ({
  namedContexts: Object.entries(contexts).map(([name, source]) => ({ name, source })),
});

/** The operation that the last step of the plan takes its files from. */
async function takenFrom(dockerfile: string, contexts: Readonly<Record<string, ContextSource>>) {
  const plan = await planText(dockerfile, named(contexts));
  const target = plan.graph.vertices.get(plan.graph.target);
  const from = target?.inputs.at(-1);
  return from === undefined ? undefined : plan.graph.vertices.get(from)?.operation;
}

describe('a named context', () => {
  it('is what COPY --from reads, whatever the case of the image name that it stands for', async () => {
    const operation = await takenFrom('FROM scratch\nCOPY --from=files /a /b', { files: directory });
    expect(operation).toEqual({ kind: 'context', name: 'files' });
  });

  it.each(['alpine', 'alpine:latest', 'docker.io/library/alpine', 'library/alpine:latest'])(
    'that stands for alpine stands for %s',
    async (name) => {
      const operation = await takenFrom(`FROM scratch\nCOPY --from=${name} /a /b`, { alpine: directory });
      expect(operation).toMatchObject({ kind: 'context', name: 'alpine' });
    },
  );

  it('does not stand for another tag', async () => {
    const error = await planError('FROM scratch\nCOPY --from=alpine:3 /a /b', named({ alpine: directory }));
    expect(error.message).toContain('docker.io/library/alpine:3');
  });

  it('for the wanted platform comes before one for all', async () => {
    const contexts = { 'files::linux/arm64': image('a'), files: directory, 'files::linux/amd64': image('busybox') };
    const operation = await takenFrom('FROM scratch\nCOPY --from=files /a /b', contexts);
    expect(operation).toMatchObject({ kind: 'image', reference: 'docker.io/library/busybox:latest' });
  });

  it('replaces the image of a FROM', async () => {
    const lookups: string[] = [];
    await planText('FROM nowhere.example/none\nRUN x', {
      ...named({ 'nowhere.example/none': image('busybox') }),
      lookups,
    });
    expect(lookups).toEqual(['docker.io/library/busybox:latest linux/amd64']);
  });

  it('replaces a whole stage: neither its base is looked up nor its instructions done', async () => {
    const lookups: string[] = [];
    const dockerfile = 'FROM nowhere.example/none AS build\nRUN never\nFROM scratch\nCOPY --from=build /a /b';
    const plan = await planText(dockerfile, { ...named({ build: image('busybox') }), lookups });
    expect(lookups).toEqual(['docker.io/library/busybox:latest linux/amd64']);
    expect(operations(plan, 'run')).toEqual([]);
  });

  it('that replaces a stage can be used above it', async () => {
    const dockerfile = 'FROM scratch AS one\nCOPY --from=two /a /b\nFROM debian AS two';
    const plan = await planText(dockerfile, { ...named({ two: directory }), target: 'one' });
    expect(operations(plan, 'context')).toEqual([{ kind: 'context', name: 'two' }]);
    expect((await planError(dockerfile, { target: 'one' })).message).toContain('it is defined further down');
  });

  it('does not stand for a stage of another name that has its image', async () => {
    const dockerfile = 'FROM debian AS mine\nFROM mine\nRUN x';
    const plan = await planText(dockerfile, named({ debian: image('debian:unstable-slim') })).catch(String);
    expect(plan).toContain('docker.io/library/debian:unstable-slim');
  });

  it.each(['scratch', 'context'])('never stands for %s', async (name) => {
    const plan = await planText('FROM scratch\nCOPY a /a', named({ [name]: image('busybox') }));
    expect(operations(plan, 'image')).toEqual([]);
    expect(operations(plan, 'scratch')).toHaveLength(1);
  });

  it('that is a folder is the first layer of a stage FROM it', async () => {
    const plan = await planText('FROM base AS b\nCOPY a /a\nENV X=1', named({ base: directory }));
    expect(copies(plan)).toMatchObject([
      { keyword: 'COPY', fromContext: true, sources: [''], destination: '/' },
      { sources: ['a'], destination: '/a' },
    ]);
    expect(historyLines(plan)).toEqual([
      'layer: [context base] load from client',
      'layer: COPY a /a # buildkit',
      'empty: ENV X=1',
    ]);
    expect(labels(plan)).toContain('[1/2] FROM base AS b');
  });

  it('that is scratch is an empty root file system', async () => {
    const plan = await planText('FROM base\nCOPY a /a', named({ base: image('scratch') }));
    expect(operations(plan, 'scratch')).toHaveLength(1);
    expect(operations(plan, 'image')).toEqual([]);
  });

  it('that is a repository is git\'s, one behind another URL is a file named "context"', async () => {
    const remote = (address: string): ContextSource => ({ kind: 'remote', address });
    const dockerfile = 'FROM scratch\nCOPY --from=c /a /b';
    expect(await takenFrom(dockerfile, { c: remote('https://me:secret@h/x.git#v1:sub') })).toEqual({
      kind: 'git',
      url: 'https://me:secret@h/x.git',
      ref: 'v1',
      subdirectory: 'sub',
      keepGitDir: false,
    });
    expect(await takenFrom(dockerfile, { c: remote('https://h/x.tar') })).toEqual({
      kind: 'http',
      url: 'https://h/x.tar',
      name: 'context',
    });
    const plan = await planText(dockerfile, named({ c: remote('https://me:secret@h/x.git') }));
    expect(vertices(plan).map(({ label }) => label)).toContain('[context c] https://…@h/x.git');
  });

  it('in an image layout is resolved there', async () => {
    const layout: ContextSource = { kind: 'layout', directory: '/layout', tag: 'v1' };
    const error = await planError('FROM base', named({ base: layout }));
    expect(error.message).toContain('oci-layout:///layout:v1');
  });

  it('fires no triggers of the image it replaces a stage by', async () => {
    const trigger: ImageConfig = {
      os: 'linux',
      architecture: 'amd64',
      config: { OnBuild: ['RUN x'] },
      rootfs: { type: 'layers', diff_ids: [] },
      history: [],
    };
    const bases = { 'docker.io/library/trigger:latest': trigger };
    const dockerfile = 'FROM debian AS base\nONBUILD RUN y\nFROM base\nRUN z';
    const plan = await planText(dockerfile, { ...named({ base: image('trigger') }), bases });
    expect(operations(plan, 'run').map(({ argv }) => argv.at(-1))).toEqual(['z']);
  });

  it.each(['', 'UPPER', 'a b'])('cannot be named "%s"', async (name) => {
    const error = await planError('FROM scratch', named({ [name]: directory }));
    expect(error).toMatchObject({ code: 'USAGE' });
  });
});

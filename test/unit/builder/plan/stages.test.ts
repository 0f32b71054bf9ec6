import { describe, expect, test } from 'vitest';
import { settleInOrder } from '../../../../src/builder/plan/settle-in-order.js';
import type { ImageConfig } from '../../../../src/oci/image.js';
import {
  AMD64,
  copies,
  historyLines,
  labels,
  operations,
  planError,
  planText,
  runs,
  runVariables,
} from './plan-text.js';

const image = (config: ImageConfig['config']): ImageConfig => ({
  ...AMD64,
  config,
  rootfs: { type: 'layers', diff_ids: [] },
  history: [],
});

describe('which stages a plan has', () => {
  test('pitfall 31: a stage that the target does not need is not looked at', async () => {
    const lookups: string[] = [];
    const plan = await planText(
      [
        'FROM nowhere.example/missing AS broken',
        'COPY --from=$X --chmod=bad https://example.com /',
        'FROM $BLANK AS blank',
        'FROM busybox',
        'RUN true',
      ].join('\n'),
      { lookups },
    );
    expect(lookups).toEqual(['docker.io/library/busybox:latest linux/amd64']);
    expect(labels(plan)).toEqual(['[stage-2 1/2] FROM docker.io/library/busybox:latest', '[stage-2 2/2] RUN true']);
  });

  test.each([
    ['two', 'TWO=2'],
    ['TWO', 'TWO=2'],
    ['0', 'ONE=1'],
    ['1', 'TWO=2'],
    [undefined, 'THREE=3'],
    ['', 'THREE=3'],
  ])('pitfall 32: the target %j is a name, case aside, or a number', async (target, variable) => {
    const text = 'FROM busybox AS one\nENV ONE=1\nFROM busybox AS two\nENV TWO=2\nFROM busybox\nENV THREE=3\n';
    const plan = await planText(text, { target });
    expect(plan.image.config.Env?.at(-1)).toBe(variable);
  });

  test('an unknown target is answered with the nearest name and with all there are', async () => {
    const text = 'FROM busybox AS builder\nFROM busybox AS final\n';
    const error = await planError(text, { target: 'bulder' });
    expect(error.code).toBe('DOCKERFILE_SEMANTICS');
    expect(error.message).toBe('cannot build target "bulder": there is no such stage');
    expect(error.hint).toBe(
      'Did you mean "builder"? The stages are builder, final; a number from 0 to 1 is also a target.',
    );
    expect((await planError(text, { target: '2' })).hint).toBe(
      'The stages are builder, final; a number from 0 to 1 is also a target.',
    );
    expect((await planError('FROM busybox\n', { target: 'x' })).hint).toBe(
      'No stage has a name: give the number 0, or name a stage with FROM … AS.',
    );
  });

  test('pitfall 33: COPY --from takes a number that counts FROM lines', async () => {
    const plan = await planText(
      'FROM busybox AS a\nRUN echo a\nFROM busybox AS b\nRUN echo b\nFROM scratch\nCOPY --from=1 /f /\n',
    );
    expect(labels(plan)).toContain('[b 2/2] RUN echo b');
    expect(labels(plan)).not.toContain('[a 2/2] RUN echo a');
  });

  test('pitfall 34: COPY --from takes names in any case, FROM only as stages have them', async () => {
    const plan = await planText('FROM busybox AS Base\nRUN true\nFROM base\nCOPY --from=BASE /f /\n');
    expect(labels(plan).at(-1)).toBe('[stage-1 1/1] COPY --from=BASE /f /');
    const error = await planError('FROM busybox AS base\nFROM Base\n');
    expect(error.code).toBe('REFERENCE_INVALID');
    expect(error.source?.start.line).toBe(2);
    expect(error.hint).toBe(
      'Did you mean the stage "base" (FROM takes the names of stages in lower case)? A stage can be used below its own FROM line only.',
    );
  });

  test.each([
    ['FROM busybox AS a\nCOPY --from=b /f /\nFROM busybox AS b\n', 'a', 'b', 'it is defined further down'],
    ['FROM busybox AS a\nCOPY --from=1 /f /\nFROM busybox AS b\n', 'a', '1', 'it is defined further down'],
    ['FROM busybox AS a\nCOPY --from=a /f /\n', undefined, 'a', 'it is the stage itself'],
    ['FROM busybox AS a\nCOPY --from=A /f /\n', undefined, 'A', 'it is the stage itself'],
    ['FROM busybox AS a\nCOPY --from=0 /f /\n', undefined, '0', 'it is the stage itself'],
    ['FROM busybox AS a\nCOPY --from=7 /f /\n', undefined, '7', 'there is no such stage'],
    ['FROM busybox AS a\nCOPY --from=-1 /f /\n', undefined, '-1', 'there is no such stage'],
  ])('pitfall 35: %j cannot be built', async (text, target, from, state) => {
    const error = await planError(text, { target });
    expect(error.code).toBe('DOCKERFILE_SEMANTICS');
    expect(error.message).toBe(`cannot copy from "${from}": ${state}`);
    expect(error.source?.start.line).toBe(2);
  });

  test('pitfall 35: an unknown name in --from is an image, for the target platform', async () => {
    const lookups: string[] = [];
    const text = 'FROM scratch\nCOPY --from=busybox:1.36 /bin/sh /\n';
    const plan = await planText(text, { lookups });
    expect(lookups).toEqual(['docker.io/library/busybox:1.36 linux/amd64']);
    expect(copies(plan)[0]?.fromContext).toBe(false);
    expect(labels(plan)).toContain('FROM docker.io/library/busybox:1.36');
    expect((await planError('FROM scratch\nCOPY --from=nope /f /\n')).source?.start.line).toBe(2);
  });

  test('a name that is nearly a stage is pointed out', async () => {
    const error = await planError('FROM busybox AS builder\nFROM bulder\n');
    expect(error.code).toBe('IMAGE_NOT_FOUND');
    expect(error.hint).toBe('Did you mean the stage "builder"? A stage can be used below its own FROM line only.');
  });

  test('a build argument that is nearly one is pointed out', async () => {
    const error = await planError('ARG BASE\nFROM $BAES\n');
    expect(error.hint).toMatch(/^Did you mean \$BASE\? FROM sees only ARGs above the first FROM/);
  });

  test.each(['FROM $X', 'FROM ""'])('%s: the base must not be empty', async (line) => {
    const error = await planError(`FROM busybox\n${line}\n`);
    expect(error.code).toBe('DOCKERFILE_SEMANTICS');
    expect(error.message).toContain('it is empty');
    expect(error.source?.start.line).toBe(2);
  });

  test.each(['$X', '${X}', 'a${X:-b}'])('COPY --from=%s: expansion is refused', async (from) => {
    const error = await planError(`FROM busybox AS a\nFROM busybox\nARG X=a\nCOPY --from=${from} /f /\n`);
    expect(error.code).toBe('DOCKERFILE_SEMANTICS');
    expect(error.message).toBe(`cannot copy from "${from}": --from takes no variables`);
  });

  test('pitfall 36: of two stages of one name the later hides the earlier, for FROM in the lines below only', async () => {
    const text = 'FROM busybox AS x\nENV N=1\nFROM x AS y\nFROM busybox AS x\nENV N=2\nFROM x AS z\n';
    expect((await planText(text, { target: 'y' })).image.config.Env?.at(-1)).toBe('N=1');
    expect((await planText(text, { target: 'z' })).image.config.Env?.at(-1)).toBe('N=2');
    expect((await planText(text, { target: 'x' })).image.config.Env?.at(-1)).toBe('N=2');
  });

  test('pitfall 38: USER, WORKDIR, SHELL and ENV of the base image act on the build', async () => {
    const base = image({ User: 'me', WorkingDir: '/w', Shell: ['/bin/ash', '-c'], Env: ['X=1', 'NOVALUE'] });
    const plan = await planText('FROM base.example/x\nRUN echo $X\nCOPY f $X\n', {
      bases: { 'base.example/x:latest': base },
    });
    expect(runs(plan)[0]).toMatchObject({
      kind: 'run',
      argv: ['/bin/ash', '-c', 'echo $X'],
      env: ['X=1', 'NOVALUE=', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      cwd: '/w',
      user: 'me',
      network: 'host',
    });
    expect(copies(plan)[0]?.destination).toBe('/w/1');
    expect(plan.image.config.Env?.slice(0, 2)).toEqual(['X=1', 'NOVALUE']);
  });

  test('pitfall 40: a stage may be of another platform than the image', async () => {
    const lookups: string[] = [];
    const text = [
      'FROM --platform=$BUILDPLATFORM busybox AS tools',
      'ARG TARGETARCH',
      'RUN echo $TARGETARCH',
      'FROM busybox',
      'COPY --from=tools /f /',
    ].join('\n');
    const plan = await planText(text, { lookups, platform: 'linux/arm64/v8' });
    expect(lookups).toEqual([
      'docker.io/library/busybox:latest linux/amd64',
      'docker.io/library/busybox:latest linux/arm64',
    ]);
    expect(runVariables(plan)).toEqual([['TARGETARCH=arm64']]);
    expect(plan.image.platform).toEqual({ os: 'linux', architecture: 'arm64' });
    const error = await planError('FROM --platform=$NOPE busybox\n');
    expect(error.message).toBe('cannot read platform "$NOPE": it gives ""');
  });

  test('pitfall 30: FROM sees a platform argument as --build-arg gives it', async () => {
    const lookups: string[] = [];
    const text = 'FROM --platform=linux/$TARGETARCH busybox\n';
    await planText(text, { lookups, buildArgs: { TARGETARCH: 'riscv64' } });
    expect(lookups).toEqual(['docker.io/library/busybox:latest linux/riscv64']);
  });

  test('pitfall 72: the platform is the one asked for, or else that of the base image', async () => {
    const bases = { 'arm.example/x:latest': { ...image({}), architecture: 'arm64', variant: 'v8' } };
    const text = 'FROM arm.example/x\n';
    expect((await planText(text, { bases })).image.platform).toEqual({ os: 'linux', architecture: 'arm64' });
    expect((await planText(text, { bases, platform: 'linux/amd64' })).image.platform).toEqual(AMD64);
    expect((await planText('FROM scratch\n', { bases })).image.platform).toEqual(AMD64);
  });

  test('pitfall 41: FROM scratch alone is an image without layers', async () => {
    const plan = await planText('FROM scratch\n');
    expect(plan.graph.vertices.get(plan.graph.target)?.operation).toEqual({ kind: 'scratch' });
    expect(plan.image).toEqual({
      platform: AMD64,
      config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], WorkingDir: '/' },
      baseHistory: [],
      history: [],
    });
  });

  test('each image of each platform is looked up once, however it is spelled', async () => {
    const lookups: string[] = [];
    const text = [
      'FROM busybox AS a',
      'FROM docker.io/library/busybox:latest AS b',
      'FROM scratch',
      'COPY --from=a /f /',
      'COPY --from=b /f /',
      'COPY --from=docker.io/busybox /f /',
    ].join('\n');
    const plan = await planText(text, { lookups });
    expect(lookups).toEqual(['docker.io/library/busybox:latest linux/amd64']);
    expect(operations(plan, 'image')).toHaveLength(1);
  });

  test('of several images that are missing, the first in the file is told, whichever answer comes first', async () => {
    const first = new Promise<never>((_resolve, reject) => setTimeout(() => reject(new Error('first')), 5));
    await expect(settleInOrder([first, Promise.reject(new Error('second'))])).rejects.toThrow('first');
    const text =
      'FROM one.example/x AS a\nFROM two.example/x AS b\nFROM scratch\nCOPY --from=b /f /\nCOPY --from=a /f /\n';
    expect((await planError(text)).message).toContain('one.example/x');
  });

  test('a thousand stages are gone through once each', async () => {
    const count = 1_000;
    const lookups: string[] = [];
    const stages = Array.from({ length: count }, (_, index) =>
      index === 0 ? 'FROM busybox AS s0\nRUN echo 0\n' : `FROM s${index - 1} AS s${index}\nRUN echo ${index}\n`,
    );
    const plan = await planText(stages.join(''), { lookups });
    expect(lookups).toHaveLength(1);
    expect(plan.graph.vertices.size).toBe(count + 1);
    expect(plan.image.history).toHaveLength(count);
    expect(labels(plan).at(-1)).toBe('[s999 1/1] RUN echo 999');
  });
});

describe('triggers', () => {
  const bases = {
    'trigger.example/x:latest': image({
      OnBuild: ['COPY --from=tools /f /f', 'ENV A=$BASE', 'RUN echo $A'],
      Env: ['BASE=1'],
    }),
  };

  test('pitfall 39: triggers of the base run right after FROM, once, and are gone from the image', async () => {
    const plan = await planText(
      'FROM busybox AS tools\nRUN make\nFROM trigger.example/x AS p\nRUN own\nFROM p\nRUN child\n',
      {
        bases,
      },
    );
    expect(labels(plan)).toEqual([
      '[tools 1/2] FROM docker.io/library/busybox:latest',
      '[tools 2/2] RUN make',
      '[p 1/4] FROM trigger.example/x:latest',
      '[p 2/4] ONBUILD COPY --from=tools /f /f',
      '[p 3/4] ONBUILD RUN echo $A',
      '[p 4/4] RUN own',
      '[stage-2 1/1] RUN child',
    ]);
    expect(plan.image.config.OnBuild).toBeUndefined();
    expect(historyLines(plan)).toEqual([
      'layer: COPY /f /f # buildkit',
      'empty: ENV A=1',
      'layer: RUN /bin/sh -c echo $A # buildkit',
      'layer: RUN /bin/sh -c own # buildkit',
      'layer: RUN /bin/sh -c child # buildkit',
    ]);
  });

  test('pitfall 39: a trigger stands at the FROM line for errors', async () => {
    const error = await planError('FROM busybox AS wrong\nRUN true\nFROM trigger.example/x\n', {
      bases: { 'trigger.example/x:latest': image({ OnBuild: ['COPY --chmod=9 f /f'] }) },
    });
    expect(error.message).toContain('cannot set mode "9"');
    expect(error.source?.start.line).toBe(3);
  });

  test.each([
    ['FROM busybox'],
    ['RUN true\nFROM busybox'],
    ['RUN true\nRUN false'],
    ['ONBUILD RUN true'],
    ['MAINTAINER me'],
    ['NONSENSE'],
    [''],
    ['# comment'],
  ])('a trigger that is not one instruction is refused: %j', async (trigger) => {
    const error = await planError('FROM hostile.example/x\n', {
      bases: { 'hostile.example/x:latest': image({ OnBuild: [trigger] }) },
    });
    expect(['DOCKERFILE_SEMANTICS', 'DOCKERFILE_SYNTAX']).toContain(error.code);
    expect(error.message).toContain(`cannot run ONBUILD trigger "${trigger}"`);
    expect(error.source?.start.line).toBe(1);
  });

  test('pitfall 6: the words of a trigger are told apart with a backslash, and expanded as all else', async () => {
    const text = '# escape=`\nFROM busybox AS p\nENV X=x\nONBUILD ENV A=\\$X\nFROM p\n';
    expect((await planText(text)).image.config.Env?.at(-1)).toBe('A=\\x');
  });
});

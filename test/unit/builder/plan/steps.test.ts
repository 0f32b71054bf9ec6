import { describe, expect, test } from 'vitest';
import { copies, historyLines, labels, operations, planError, planText, runs, vertices } from './plan-text.js';

describe('RUN', () => {
  test.each([
    ['pitfall 51: the exec form has no shell and no expansion', 'RUN ["a", "$B"]', ['a', '$B']],
    ['pitfall 54: a script is one word after the shell', 'RUN a  $B | c', ['/bin/sh', '-c', 'a  $B | c']],
  ])('%s', async (_name, line, argv) => {
    expect(runs(await planText(`FROM busybox\nENV B=b\n${line}\n`))[0]?.argv).toEqual(argv);
  });

  test.each([
    ['RUN x', 'host', 'host'],
    ['RUN x', 'none', 'none'],
    ['RUN --network=none x', 'host', 'none'],
    ['RUN --network=default x', 'none', 'none'],
    ['RUN --network=host x', 'host', 'host'],
  ] as const)('%s in a build with network %s has network %s', async (line, network, expected) => {
    expect(runs(await planText(`FROM busybox\n${line}\n`, { network }))[0]?.network).toBe(expected);
  });

  test('a step cannot take the network that the build was not given', async () => {
    const error = await planError('FROM busybox\nRUN --network=host x\n', { network: 'none' });
    expect(error.code).toBe('DOCKERFILE_SEMANTICS');
    expect(error.source?.start.line).toBe(2);
  });
});

describe('COPY and ADD', () => {
  test.each([
    ['pitfall 74: slashes at the end of sources do not matter', 'COPY d/ /x', ['d'], '/x'],
    ['pitfall 74: a slash at the end of the destination does', 'COPY f /x/', ['f'], '/x/'],
    ['pitfall 76: sources stop at the root', 'COPY ../../f /../g/../h', ['f'], '/h'],
    ['pitfall 76: an absolute source is below the root', 'COPY /a/./b//c /', ['a/b/c'], '/'],
    ['pitfall 77: wildcards are kept', 'COPY d*/a?.[ch] /x/', ['d*/a?.[ch]'], '/x/'],
    ['pitfall 79: escaped wildcards are kept', 'COPY arr[[]0].txt /x/', ['arr[[]0].txt'], '/x/'],
    ['pitfall 91: the destination is below WORKDIR', 'COPY f d/', ['f'], '/w/d/'],
    ['pitfall 91: a dot is WORKDIR', 'COPY f .', ['f'], '/w/'],
    ['pitfall 91: an empty destination is WORKDIR', 'COPY ["f", ""]', ['f'], '/w/'],
    ['pitfall 91: a dot at the end is a directory', 'COPY f x/.', ['f'], '/w/x/'],
    ['two dots are resolved', 'COPY f ..', ['f'], '/'],
    ['the root of the context is an empty path', 'COPY . ./', [''], '/w/'],
    ['a variable that is not set is the root of the context', 'COPY $NOPE /x', [''], '/x'],
    ['blanks in the JSON form stay', 'COPY ["a b", "/c d"]', ['a b'], '/c d'],
    ['many sources', 'COPY a b c/ /x', ['a', 'b', 'c'], '/x'],
  ])('%s', async (_name, line, sources, destination) => {
    const [copy] = copies(await planText(`FROM busybox\nWORKDIR /w\n${line}\n`));
    expect(copy).toMatchObject({ keyword: 'COPY', fromContext: true, sources, destination });
  });

  test('pitfall 91: --from does not see the WORKDIR of the other stage', async () => {
    const text = 'FROM busybox AS a\nWORKDIR /srv\nFROM busybox\nWORKDIR /w\nCOPY --from=a f g\n';
    expect(copies(await planText(text))[0]).toEqual({
      kind: 'copy',
      keyword: 'COPY',
      fromContext: false,
      sources: ['f'],
      destination: '/w/g',
    });
  });

  test('pitfall 97: ADD of a local file keeps its keyword, as archives are extracted', async () => {
    expect(copies(await planText('FROM busybox\nADD x.tar.gz /x\n'))[0]?.keyword).toBe('ADD');
  });

  test('owner and mode are expanded, and absent where they expand to nothing', async () => {
    const text =
      'FROM busybox\nENV O=me:users M=0640\nCOPY --chown=$O --chmod=$M f /\nCOPY --chown=$NO --chmod=$NO f /\n';
    const [first, second] = copies(await planText(text));
    expect(first).toMatchObject({ chown: 'me:users', chmod: '0640' });
    expect(second).not.toHaveProperty('chown');
    expect(second).not.toHaveProperty('chmod');
  });

  test.each([
    ['8', 'DOCKERFILE_SEMANTICS'],
    ['17777', 'DOCKERFILE_SEMANTICS'],
    ['0o755', 'DOCKERFILE_SEMANTICS'],
    ['nonsense', 'DOCKERFILE_SEMANTICS'],
  ])('--chmod=%s is refused with %s', async (mode, code) => {
    expect(await planError(`FROM busybox\nCOPY --chmod=${mode} f /\n`)).toMatchObject({
      code,
      source: { start: { line: 2 } },
    });
  });
});

describe('WORKDIR', () => {
  test.each([
    ['pitfall 67: a relative path is joined', 'WORKDIR /a\nWORKDIR b', '/a/b', '/a/b'],
    ['pitfall 67: two dots', 'WORKDIR /a/b\nWORKDIR ..', '/a', '/a'],
    ['pitfall 67: variables', 'ENV D=/d\nWORKDIR $D/e', '/d/e', '/d/e'],
    ['a variable that is not set changes nothing', 'WORKDIR /a\nWORKDIR $NOPE', '/a', '/a'],
    [
      'an absolute path is kept as it is written, the directory is that of the clean one',
      'WORKDIR /x//y/../z/',
      '/x//y/../z/',
      '/x/z',
    ],
    ['pitfall 11: blanks belong to the path', 'WORKDIR /a b', '/a b', '/a b'],
  ])('%s', async (_name, lines, config, path) => {
    const plan = await planText(`FROM busybox\n${lines}\nRUN x\n`);
    expect(plan.image.config.WorkingDir).toBe(config);
    expect(operations(plan, 'workdir').at(-1)?.path).toBe(path);
    expect(runs(plan)[0]?.cwd).toBe(path);
  });

  test('pitfall 68: it makes a layer, by the current user, but not for the root', async () => {
    const plan = await planText('FROM busybox\nUSER me\nWORKDIR /\nWORKDIR a\nWORKDIR /a/..\n');
    expect(operations(plan, 'workdir')).toEqual([{ kind: 'workdir', path: '/a', user: 'me' }]);
    expect(historyLines(plan).slice(-3)).toEqual(['empty: WORKDIR /', 'layer: WORKDIR /a', 'empty: WORKDIR /a/..']);
  });
});

describe('vertices', () => {
  const layers = async (text: string): Promise<readonly string[]> =>
    vertices(await planText(text)).flatMap(({ id, operation }) => (operation.kind === 'image' ? [] : [id]));

  test('labels count FROM and what makes a layer', async () => {
    const text = [
      'FROM busybox AS builder',
      'ENV A=b',
      'run make $A',
      'FROM builder',
      'WORKDIR /w',
      'LABEL a=b',
      'COPY --from=builder /f \\',
      '  /',
    ].join('\n');
    expect(labels(await planText(text))).toEqual([
      '[builder 1/2] FROM docker.io/library/busybox:latest',
      '[builder 2/2] RUN make $A',
      '[stage-1 1/2] WORKDIR /w',
      expect.stringMatching(/^\[stage-1 2\/2\] COPY --from=builder \/f +\/$/),
    ]);
  });

  test('numbers are as wide as the total, and one stage alone is not named', async () => {
    const text = `FROM busybox AS only\n${Array.from({ length: 9 }, (_, index) => `RUN ${index}\n`).join('')}`;
    expect(labels(await planText(text)).slice(0, 2)).toEqual([
      '[ 1/10] FROM docker.io/library/busybox:latest',
      '[ 2/10] RUN 0',
    ]);
  });

  test('the context is one vertex, and there only when something reads it', async () => {
    expect(
      labels(await planText('FROM busybox\nCOPY a /\nADD b /\n')).filter((label) => label.includes('context')),
    ).toEqual(['[internal] load build context']);
    expect(operations(await planText('FROM busybox\nRUN x\n'), 'context')).toEqual([]);
  });

  test('pitfall 119: equal work on an equal base is one vertex', async () => {
    const text = 'FROM busybox AS a\nRUN x\nFROM busybox AS b\nRUN x\nCOPY --from=a /f /\n';
    expect(labels(await planText(text))).toEqual([
      '[a 1/2] FROM docker.io/library/busybox:latest',
      '[a 2/2] RUN x',
      '[b 3/3] COPY --from=a /f /',
    ]);
  });

  test('every input of a vertex is in the graph, before the vertex', async () => {
    const text =
      'FROM busybox AS a\nRUN x\nFROM scratch AS b\nCOPY --from=a /f /\nCOPY g /\nFROM b\nCOPY --from=busybox:1.36 /f /\n';
    const plan = await planText(text);
    const seen = new Set<string>();
    for (const { id, inputs } of vertices(plan)) {
      for (const input of inputs) expect(seen).toContain(input);
      seen.add(id);
    }
    expect(seen).toContain(plan.graph.target);
  });

  test.each([
    ['pitfall 111: the destination', 'COPY f /a', 'COPY f /b', false],
    ['pitfall 111: the owner', 'COPY f /a', 'COPY --chown=1 f /a', false],
    ['pitfall 112: the user', 'RUN x', 'USER 1\nRUN x', false],
    ['pitfall 112: the directory', 'WORKDIR /a\nRUN x', 'WORKDIR /b\nRUN x', false],
    ['pitfall 112: the network', 'RUN x', 'RUN --network=none x', false],
    ['pitfall 113: a label', 'RUN x', 'LABEL a=b\nRUN x', true],
    ['pitfall 113: a port, a volume, a command', 'RUN x', 'EXPOSE 1\nVOLUME /v\nCMD c\nRUN x', true],
    ['pitfall 113: a variable before RUN', 'RUN x', 'ENV A=b\nRUN x', false],
    ['pitfall 113: an argument before RUN, in use or not', 'RUN x', 'ARG A=b\nRUN x', false],
    ['pitfall 113: an argument without a value', 'RUN x', 'ARG A\nRUN x', true],
    ['pitfall 113: a variable before COPY', 'COPY f /', 'ENV A=b\nCOPY f /', true],
    ['pitfall 113: a variable in COPY', 'ARG A=f\nCOPY $A /', 'ARG A=g\nCOPY $A /', false],
    ['pitfall 113: a variable before WORKDIR', 'WORKDIR /a', 'ENV A=b\nWORKDIR /a', true],
    ['pitfall 114: an argument after RUN', 'RUN x', 'RUN x\nARG A=b', true],
  ])('%s: ids of the vertices', async (_name, left, right, equal) => {
    const [one, other] = [await layers(`FROM busybox\n${left}\n`), await layers(`FROM busybox\n${right}\n`)];
    if (equal) expect(other).toEqual(one);
    else expect(other.at(-1)).not.toBe(one.at(-1));
  });

  test('pitfall 112: proxies are no part of a vertex', async () => {
    const text = 'FROM busybox\nRUN x\n';
    const proxy = { buildArgs: { http_proxy: 'http://p' }, proxyEnv: { HTTP_PROXY: 'http://p' } };
    expect((await planText(text, proxy)).graph.target).toBe((await planText(text)).graph.target);
  });
});

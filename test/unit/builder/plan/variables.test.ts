import { describe, expect, test } from 'vitest';
import type { ParseWarning } from '../../../../src/parser/instruction.js';
import { copies, historyLines, planError, planText, runs, runVariables } from './plan-text.js';

interface Row {
  readonly name: string;
  readonly text: string;
  readonly buildArgs?: Record<string, string>;
  /** What each RUN sees, PATH aside. */
  readonly runs: readonly (readonly string[])[];
}

const rows: readonly Row[] = [
  {
    name: 'pitfall 17: words of an ENV see the variables before it',
    text: 'FROM busybox\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\nRUN x\n',
    runs: [['abc=bye', 'def=hello', 'ghi=bye']],
  },
  {
    name: 'pitfall 18: each entry of an ARG sees those before it',
    text: 'FROM busybox\nARG a=1 b=$a c=${b}x\nRUN x\n',
    runs: [['a=1', 'b=1', 'c=1x']],
  },
  {
    name: 'pitfall 19: a global ARG is imported by name only',
    text: 'ARG G=global H=global\nFROM busybox\nRUN x\nARG G\nARG H=local\nRUN x\n',
    runs: [[], ['G=global', 'H=local']],
  },
  {
    name: 'pitfall 19: a build argument beats both defaults',
    text: 'ARG G=global\nFROM busybox\nARG G=local\nRUN x\n',
    buildArgs: { G: 'given' },
    runs: [['G=given']],
  },
  {
    name: 'pitfall 20: a build argument replaces a default that cannot be expanded',
    text: 'ARG G=${NO:?no}\nFROM busybox\nARG A=${NO:?no}\nRUN x\n',
    buildArgs: { A: 'a', G: 'g' },
    runs: [['A=a']],
  },
  {
    name: 'pitfall 21: of ENV and ARG of one name the last wins',
    text: 'FROM busybox\nENV X=a\nARG X=b\nRUN x\nENV X=c\nRUN x\n',
    runs: [['X=b'], ['X=c']],
  },
  {
    name: 'pitfall 22: ARGs are inherited from the parent stage, and do not leak to siblings',
    text: 'FROM busybox AS p\nARG A=1\nRUN p\nFROM busybox AS sibling\nRUN s\nFROM p\nRUN c\nCOPY --from=sibling /f /\n',
    runs: [['A=1'], [], ['A=1']],
  },
  {
    name: 'pitfall 22: ENV of the parent stage stands above its ARG of that name',
    text: 'FROM busybox AS p\nENV X=env\nARG X=arg Y=arg\nRUN p\nFROM p\nRUN c\n',
    runs: [
      ['X=arg', 'Y=arg'],
      ['Y=arg', 'X=env'],
    ],
  },
  {
    name: 'pitfall 24: a proxy argument that is not declared is no variable of the step',
    text: 'FROM busybox\nRUN x\nARG HTTP_PROXY\nRUN x\n',
    buildArgs: { HTTP_PROXY: 'http://proxy', https_proxy: 'http://proxy' },
    runs: [[], ['HTTP_PROXY=http://proxy']],
  },
  {
    name: 'pitfall 29: a build argument that nobody declares has no effect',
    text: 'FROM busybox\nRUN x\n',
    buildArgs: { NOBODY: '1', constructor: '2' },
    runs: [[]],
  },
  {
    name: 'pitfall 30: platform arguments have to be declared',
    text: 'FROM busybox AS last\nRUN x\nARG TARGETPLATFORM TARGETVARIANT BUILDARCH BUILDOSVERSION TARGETSTAGE\nRUN x\n',
    runs: [
      [],
      ['TARGETPLATFORM=linux/amd64', 'TARGETVARIANT=', 'BUILDARCH=amd64', 'BUILDOSVERSION=', 'TARGETSTAGE=last'],
    ],
  },
  {
    name: 'pitfall 30: a build argument overrides a platform argument',
    text: 'FROM busybox\nARG TARGETARCH\nRUN x\n',
    buildArgs: { TARGETARCH: 'mine' },
    runs: [['TARGETARCH=mine']],
  },
  {
    name: 'what a stage says to the scanner of BuildKit is no variable of its steps',
    text: 'FROM busybox\nARG BUILDKIT_SBOM_SCAN_STAGE=true A=$BUILDKIT_SBOM_SCAN_STAGE\nRUN x\n',
    buildArgs: { BUILDKIT_SBOM_SCAN_STAGE: 'false' },
    runs: [['A=']],
  },
  {
    name: 'names of JavaScript objects are names like others',
    text: 'FROM busybox\nARG constructor\nARG __proto__=p\nRUN x $constructor\n',
    runs: [['__proto__=p']],
  },
];

describe('variables', () => {
  test.each(rows)('$name', async ({ text, buildArgs = {}, runs: expected }) => {
    expect(runVariables(await planText(text, { buildArgs }))).toEqual(expected);
  });

  test('pitfall 23: values of ARGs are in the history of later RUNs, each name once, and not in the config', async () => {
    const plan = await planText('FROM busybox\nARG B=2\nARG A=1\nARG B=3\nARG NONE\nRUN x\n');
    expect(plan.image.config.Env).toHaveLength(1);
    expect(historyLines(plan).at(-1)).toBe('layer: RUN |3 B=3 A=1 NONE= /bin/sh -c x # buildkit');
  });

  test('pitfall 25: ENV of a name that is there replaces it in place', async () => {
    const plan = await planText('FROM busybox\nENV A=1 B=2\nENV A=3 PATH=/x:$PATH\n');
    expect(plan.image.config.Env).toEqual([
      'PATH=/x:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'A=3',
      'B=2',
    ]);
  });

  test('pitfall 26: PATH is there even FROM scratch and without a RUN', async () => {
    expect((await planText('FROM scratch\nENV A=b\n')).image.config.Env).toEqual([
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'A=b',
    ]);
  });

  test('pitfall 27: a variable that is not set is empty, and a warning', async () => {
    const warnings: ParseWarning[] = [];
    const text =
      'FROM busybox:1.36\nARG DECLARED\nENV GOOD=1\nENV A=$GOD B=${DECLARED}\nCOPY $NOPE${NOPE}f ${ELSE:-/d}/\n';
    const plan = await planText(text, { warnings });
    expect(plan.image.config.Env?.slice(-2)).toEqual(['A=', 'B=']);
    expect(copies(plan)[0]?.sources).toEqual(['f']);
    expect(warnings.map(({ rule, message, source }) => `${rule} ${source.start.line}: ${message}`)).toEqual([
      "UndefinedVar 4: Usage of undefined variable '$GOD' (did you mean $GOOD?)",
      "UndefinedVar 5: Usage of undefined variable '$NOPE'",
      "UndefinedVar 5: Usage of undefined variable '$ELSE'",
    ]);
  });

  test('a variable that must be set stops the build at its line', async () => {
    const error = await planError('FROM busybox\nENV A=${B:?wanted}\n');
    expect(error.code).toBe('DOCKERFILE_SEMANTICS');
    expect(error.source?.start.line).toBe(2);
  });

  test('ENV without a name is an error', async () => {
    expect((await planError('FROM busybox\nENV $NOPE=1\n')).message).toBe(
      'cannot set a variable in "ENV $NOPE=1": its name is empty',
    );
  });

  test('SOURCE_DATE_EPOCH can be asked for by ARG', async () => {
    const text = 'FROM busybox\nARG SOURCE_DATE_EPOCH\nRUN x\n';
    expect(runVariables(await planText(text, { sourceDateEpoch: 17 }))).toEqual([['SOURCE_DATE_EPOCH=17']]);
    expect(runVariables(await planText(text, { sourceDateEpoch: 17, buildArgs: { SOURCE_DATE_EPOCH: '18' } }))).toEqual(
      [['SOURCE_DATE_EPOCH=18']],
    );
  });

  test('TARGETSTAGE is the target as it is asked for', async () => {
    const text = 'FROM busybox AS a\nARG TARGETSTAGE\nRUN x\nFROM a\n';
    expect(runVariables(await planText(text, { target: 'A' }))).toEqual([['TARGETSTAGE=A']]);
    expect(runVariables(await planText(text))).toEqual([['TARGETSTAGE=default']]);
    expect(runVariables(await planText(`${text}FROM a AS z\n`, { target: '' }))).toEqual([['TARGETSTAGE=z']]);
  });

  test('pitfall 42: RUN sees variables in the order in which they were last set, as BuildKit has it', async () => {
    const text =
      'FROM busybox AS p\nENV A=1 B=2\nARG C=3\nENV A=4\nARG B=5\nARG NOVALUE\nRUN one\nFROM p\nARG D=6\nRUN two\n';
    const [one, two] = runs(await planText(text)).map(({ env }) =>
      env.map((entry) => entry.replace(/^(PATH)=.*/, '$1')),
    );
    expect(one).toEqual(['PATH', 'C=3', 'A=4', 'B=5']);
    expect(two).toEqual(['C=3', 'PATH', 'A=4', 'B=2', 'D=6']);
  });
});

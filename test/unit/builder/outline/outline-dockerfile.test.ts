import { expect, test } from 'vitest';
import type { BuildRequest } from '../../../../src/builder/build-request.js';
import { outlineDockerfile } from '../../../../src/builder/outline/outline-dockerfile.js';
import { isTsbuildError } from '../../../../src/support/errors.js';
import { knownBases } from '../check/known-bases.js';

async function outline(lines: readonly string[], request: Partial<BuildRequest> = {}) {
  const dockerfile = { name: 'Dockerfile', text: `${lines.join('\n')}\n` };
  return await outlineDockerfile({ ...request, dockerfile }, { resolveBase: knownBases });
}

/** `line name=value (description)` */
async function args(lines: readonly string[], request: Partial<BuildRequest> = {}): Promise<string[]> {
  return (await outline(lines, request)).args.map(({ name, value, description, source }) => {
    const shown = `${source.start.line} ${name}${value === undefined ? '' : `=${value}`}`;
    return description === undefined ? shown : `${shown} (${description})`;
  });
}

// The same as BuildKit 0.25 prints for it.
const MANY = [
  'ARG inherited=box',
  'ARG inherited2=box2',
  'ARG unused=abc${inherited2}',
  '# sfx is a suffix',
  'ARG sfx="usy${inherited}"',
  'FROM b${sfx} AS first',
  'ARG FOO=123',
  '# BAR is a number',
  'ARG BAR=456',
  'RUN --mount=type=secret,target=/etc/passwd,required=true --mount=type=ssh \\',
  '  true',
  'FROM alpine${unused} AS second',
  'ARG BAZ',
  'RUN --mount=type=secret,id=other true',
  'FROM scratch AS third',
  'ARG ABC=a',
  '# password is secret',
  'ARG password X=1 Y=$X$BAR',
  'RUN --mount=type=secret,id=sec${X} true',
  '# target defines build target',
  'FROM third AS target',
  'COPY --from=first /etc/passwd /',
  'RUN --mount=type=ssh,id=ssh3,required true',
  'FROM second',
];

test('lists what the target and the stages that it needs declare, ask for and take in FROM', async () => {
  expect(await args(MANY, { target: 'target', buildArgs: { BAR: '678' } })).toEqual([
    '1 inherited=box',
    '5 sfx=usybox (is a suffix)',
    '7 FOO=123',
    '9 BAR=678 (is a number)',
    '16 ABC=a',
    '18 password (is secret)',
    '18 X=1',
    '18 Y=1',
  ]);
  const { name, description, secrets, ssh } = await outline(MANY, { target: 'target' });
  expect({ name, description }).toEqual({ name: 'target', description: 'defines build target' });
  expect(secrets.map((one) => [one.name, one.required, one.source.start.line])).toEqual([
    ['passwd', true, 10],
    ['sec1', false, 19],
  ]);
  expect(ssh.map((one) => [one.name, one.required, one.source.start.line])).toEqual([
    ['default', false, 10],
    ['ssh3', true, 23],
  ]);
});

test('an argument made of itself stands for what the earlier one was made of', async () => {
  const lines = [
    'ARG FOO=123',
    'ARG ABC=abc',
    'ARG DEF=def',
    'ARG FOO=${FOO}${ABC}',
    'ARG BAR=${FOO}456',
    'ARG FOO=${FOO}456${BAR}',
    'FROM scratch',
    'ARG FOO',
    'ARG INFOO=123',
    'ARG INBAR=${INFOO}456',
    'ARG INFOO=${INFOO}456${INBAR}',
  ];
  expect(await args(lines)).toEqual([
    '2 ABC=abc',
    '5 BAR=123abc456',
    '6 FOO=123abc456123abc456',
    '10 INBAR=123456',
    '11 INFOO=123456123456',
  ]);
});

test.each<[string, readonly string[], Partial<BuildRequest>, readonly string[]]>([
  ['a global argument that nothing uses is not one', ['ARG A=1', 'FROM scratch'], {}, []],
  ['one that a stage asks for is the global one', ['ARG A=1', 'FROM scratch', 'ARG A'], {}, ['1 A=1']],
  ["with a default of its own it is the stage's", ['ARG A=1', 'FROM scratch', 'ARG A=2'], {}, ['3 A=2']],
  ['given by the build, too', ['ARG A=1', 'FROM scratch', 'ARG A'], { buildArgs: { A: '3' } }, ['3 A=3']],
  [
    'a given default is not looked into',
    ['ARG A=1', 'ARG B=$A', 'FROM ${B}'],
    { buildArgs: { B: 'alpine' } },
    ['2 B=alpine'],
  ],
  ['platform arguments are none', ['FROM --platform=$BUILDPLATFORM alpine', 'ARG TARGETARCH'], {}, []],
  ['the platform of FROM counts', ['ARG P=linux/amd64', 'FROM --platform=$P alpine'], {}, ['1 P=linux/amd64']],
  [
    'a mount brings in its stage',
    ['FROM alpine AS a', 'ARG A', 'FROM alpine', 'RUN --mount=from=a,target=/a x'],
    {},
    ['2 A'],
  ],
  [
    'of two of one name that of the nearer stage counts',
    ['FROM alpine AS a', 'ARG A=1', 'FROM a', 'ARG A=2'],
    {},
    ['4 A=2'],
  ],
  ['triggers declare as well', ['FROM alpine AS a', 'ONBUILD ARG A=1', 'FROM a'], {}, ['3 A=1']],
])('%s', async (_, lines, request, expected) => {
  expect(await args(lines, request)).toEqual(expected);
});

test('a base image that is not there is an error, as it may declare more', async () => {
  const error: unknown = await outline(['FROM missing']).catch((failure: unknown) => failure);
  expect(isTsbuildError(error, 'IMAGE_NOT_FOUND')).toBe(true);
});

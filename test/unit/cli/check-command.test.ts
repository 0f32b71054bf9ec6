import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkDockerfile } from '../../../src/builder/check/check-dockerfile.js';
import { outlineDockerfile } from '../../../src/builder/outline/outline-dockerfile.js';
import { runCli } from '../../../src/cli/run-cli.js';
import { TsbuildError } from '../../../src/support/errors.js';
import { knownBases } from '../builder/check/known-bases.js';
import { testHost, type TestHost } from './test-host.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-check-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function run(
  dockerfile: string,
  words: string[],
  resolveBase = knownBases,
): Promise<TestHost & { status: number }> {
  await writeFile(join(folder, 'Dockerfile'), dockerfile);
  const host = testHost({
    cwd: folder,
    toolchain: {
      check: (request) => checkDockerfile(request, { resolveBase }),
      outline: (request) => outlineDockerfile(request, { resolveBase }),
    },
  });
  const status = await runCli(words, host);
  return { ...host, status };
}

const DOCKERFILE = 'FROM alpine:3.20 as x\nENV a b\nRUN echo hi \\\n  && echo ho\nCMD echo $a\n';

// As `docker build --check` prints it (buildx 0.29.1), but for the name of the file.
const EXPECTED = `Check complete, 3 warnings have been found!

WARNING: FromAsCasing - https://docs.docker.com/go/dockerfile/rule/from-as-casing/
'as' and 'FROM' keywords' casing do not match
Dockerfile:1
--------------------
   1 | >>> FROM alpine:3.20 as x
   2 |     ENV a b
   3 |     RUN echo hi \\
--------------------

WARNING: LegacyKeyValueFormat - https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/
"ENV key=value" should be used instead of legacy "ENV key value" format
Dockerfile:2
--------------------
   1 |     FROM alpine:3.20 as x
   2 | >>> ENV a b
   3 |     RUN echo hi \\
   4 |       && echo ho
--------------------

WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
Dockerfile:5
--------------------
   3 |     RUN echo hi \\
   4 |       && echo ho
   5 | >>> CMD echo $a
   6 |     
--------------------
`;

describe('tsbuild check', () => {
  test.each([
    ['check', '.'],
    ['build', '--check', '.'],
    ['build', '--call=check', '.'],
    ['build', '--call', 'lint', '.'],
  ])('prints what docker prints, and ends with its status: %s %s', async (...words) => {
    const { status, output, errors } = await run(DOCKERFILE, words);
    expect(output()).toBe(EXPECTED);
    expect(errors()).toBe('');
    expect(status).toBe(1);
  });

  test('prints JSON with the members that docker gives', async () => {
    const { status, output } = await run(DOCKERFILE, ['check', '--format', 'json', '.']);
    expect(status).toBe(1);
    const { warnings, sources } = JSON.parse(output()) as { warnings: unknown[]; sources: unknown[] };
    expect(warnings[0]).toEqual({
      ruleName: 'FromAsCasing',
      description: "The 'as' keyword should match the case of the 'from' keyword",
      url: 'https://docs.docker.com/go/dockerfile/rule/from-as-casing/',
      detail: "'as' and 'FROM' keywords' casing do not match",
      location: { ranges: [{ start: { line: 1 }, end: { line: 1 } }] },
    });
    expect(sources).toEqual([
      { filename: 'Dockerfile', data: Buffer.from(DOCKERFILE).toString('base64'), language: 'Dockerfile' },
    ]);
  });

  test('succeeds without warnings, and with warnings of ours alone', async () => {
    const clean = await run('FROM alpine:3.20\n', ['check', '.']);
    expect([clean.status, clean.output()]).toEqual([0, 'Check complete, no warnings found.\n']);
    const ours = await run('FROM alpine\n', ['check', '.']);
    expect(ours.status).toBe(0);
    expect(ours.output()).toContain('WARNING: tsbuild/UnpinnedBase\n');
  });

  test('tells of an error as a build does, behind the warnings', async () => {
    const { status, output, errors } = await run('FROM alpine:3.20 as x\nRUNN x\n', ['check', '.']);
    expect(output()).toContain('Check complete, 1 warning has been found!');
    expect(errors()).toContain('error[DOCKERFILE_SYNTAX]: cannot parse instruction "RUNN"');
    expect(status).toBe(3);
  });

  test('notes what it could not look at', async () => {
    const { status, errors } = await run('FROM far.example/x:1\n', ['check', '.'], () =>
      Promise.reject(new TsbuildError('REGISTRY_UNREACHABLE', 'cannot reach far.example')),
    );
    expect(errors()).toBe('note: line 1: cannot reach far.example; what depends on this image has not been checked\n');
    expect(status).toBe(0);
  });

  test('ignorestatus ends with success', async () => {
    expect((await run(DOCKERFILE, ['build', '--call=check,ignorestatus=true,format=json', '.'])).status).toBe(0);
  });
});

describe('--call', () => {
  test('targets lists the stages with their descriptions', async () => {
    const text = '# base the beginning\nFROM alpine AS base\nFROM base\nFROM base AS end\n';
    const { output } = await run(text, ['build', '--call=targets', '.']);
    expect(output()).toBe('TARGET        DESCRIPTION\nbase          the beginning\n              \nend (default) \n');
    const json = await run(text, ['build', '--call=targets,format=json', '.']);
    expect(JSON.parse(json.output())).toMatchObject({
      targets: [
        { name: 'base', description: 'the beginning', base: 'alpine', location: { ranges: [{ start: { line: 2 } }] } },
        { base: 'base' },
        { name: 'end', default: true },
      ],
    });
  });

  // As `docker build --call=outline` prints it (buildx 0.29.1).
  test('outline lists what the target can be given', async () => {
    const text =
      '# A is one\nARG A=alpine\n# end the last\nFROM $A AS end\nARG B\n' +
      'RUN --mount=type=secret,id=s,required \\\n  --mount=type=ssh x\n';
    const { output } = await run(text, ['build', '--call=outline', '.']);
    expect(output()).toBe(
      'TARGET:      end\nDESCRIPTION: the last\n\n' +
        'BUILD ARG   VALUE    DESCRIPTION\nA           alpine   is one\nB                    \n\n' +
        'SECRET   REQUIRED\ns        true\n\nSSH       REQUIRED\ndefault   \n\n',
    );
    const json = await run(text, ['build', '--call=outline,format=json', '.']);
    const line = (number: number): object => ({ start: { line: number }, end: { line: number } });
    expect(JSON.parse(json.output())).toEqual({
      name: 'end',
      description: 'the last',
      args: [
        { name: 'A', description: 'is one', value: 'alpine', location: { ranges: [line(2)] } },
        { name: 'B', location: { ranges: [line(5)] } },
      ],
      secrets: [{ name: 's', required: true, location: { ranges: [line(6), line(7)] } }],
      ssh: [{ name: 'default', location: { ranges: [line(6), line(7)] } }],
      sources: [Buffer.from(text).toString('base64')],
    });
  });

  test('subrequests.describe lists the methods', async () => {
    const { output } = await run('FROM a\n', ['build', '--call=subrequests.describe', '.']);
    expect(output()).toBe(
      'NAME                 VERSION DESCRIPTION\ncheck                1.0.0   Check a Dockerfile\n' +
        'outline              1.0.0   List all parameters current build target supports\n' +
        'targets              1.0.0   List all targets current build supports\nsubrequests.describe 1.0.0   List available subrequest types\n',
    );
  });

  test.each([
    ['chekc', 'there is no such method'],
    ['check,targets', 'it names two methods'],
    ['check,frmat=json', '"frmat" is not known'],
    ['check,format=xml', '"xml" is no format'],
  ])('refuses %s', async (call, state) => {
    const { status, errors } = await run('FROM a\n', ['build', `--call=${call}`, '.']);
    expect(status).toBe(2);
    expect(errors()).toContain(state);
  });
});

import { describe, expect, test } from 'vitest';
import { CheckReport } from '../../../../src/builder/check/check-report.js';
import { checkDockerfile } from '../../../../src/builder/check/check-dockerfile.js';
import { NO_CHECK_OPTIONS, parseCheckOptions } from '../../../../src/parser/checks/check-options.js';
import type { ParseWarning } from '../../../../src/parser/instruction.js';
import { isTsbuildError, TsbuildError, type ErrorCode } from '../../../../src/support/errors.js';
import { knownBases } from './known-bases.js';

const at = (line: number): ParseWarning['source'] => ({
  file: 'Dockerfile',
  start: { line, column: 1 },
  end: { line, column: 9 },
});
const casing: ParseWarning = { rule: 'FromAsCasing', message: 'casing', source: at(2) };
const undefinedVar: ParseWarning = { rule: 'UndefinedVar', message: 'undefined', source: at(1) };
const description: ParseWarning = { rule: 'InvalidDefinitionDescription', message: 'description', source: at(3) };
const sudo: ParseWarning = { rule: 'tsbuild/Sudo', message: 'sudo', source: at(4) };
const ALL = [casing, undefinedVar, description, sudo];

function rules(
  check: string,
  options: { quiet?: boolean; override?: string; warnings?: ParseWarning[] } = {},
): string[] {
  const { quiet = false, override, warnings = ALL } = options;
  const report = new CheckReport({
    dockerfile: { file: 'Dockerfile', check: parseCheckOptions(check) },
    buildArgs: override === undefined ? {} : { BUILDKIT_DOCKERFILE_CHECK: override },
    quiet,
  });
  warnings.forEach(report.add);
  return report.warnings.map(({ rule }) => rule);
}

describe('CheckReport', () => {
  test('tells in the order of the file what is not skipped, each once', () => {
    expect(rules('', { warnings: [...ALL, casing] })).toEqual(['UndefinedVar', 'FromAsCasing', 'tsbuild/Sudo']);
    expect(rules('skip=FromAsCasing,tsbuild/Sudo')).toEqual(['UndefinedVar']);
    expect(rules('skip=all')).toEqual([]);
  });

  test('tells of experimental rules where they are asked for, even with skip=all', () => {
    expect(rules('experimental=all;skip=all')).toEqual(['InvalidDefinitionDescription']);
    expect(rules('skip=all', { warnings: [{ ...description, check: parseCheckOptions('experimental=all') }] })).toEqual(
      ['InvalidDefinitionDescription'],
    );
  });

  test('leaves quiet rules out of builds', () => {
    expect(rules('', { quiet: true })).toEqual(['UndefinedVar', 'FromAsCasing']);
  });

  test('takes BUILDKIT_DOCKERFILE_CHECK for the line at the top', () => {
    expect(rules('skip=all', { override: 'skip=UndefinedVar' })).toEqual(['FromAsCasing', 'tsbuild/Sudo']);
    expect(rules('skip=all', { override: '' })).toHaveLength(3);
    expect(() => rules('', { override: 'nonsense' })).toThrow(
      'cannot use --build-arg BUILDKIT_DOCKERFILE_CHECK="nonsense": cannot parse check option "nonsense": it is not known',
    );
  });

  test('error=true makes one error of all warnings, but of none of our own rules', () => {
    const check = { ...NO_CHECK_OPTIONS, failOnWarning: true };
    const report = new CheckReport({ dockerfile: { file: 'Dockerfile', check }, buildArgs: {}, quiet: true });
    report.add(sudo);
    expect(report.failure()).toBeUndefined();
    report.add(casing);
    report.add(undefinedVar);
    expect(report.failure()).toMatchObject({
      code: 'DOCKERFILE_SEMANTICS',
      message:
        'cannot accept Dockerfile "Dockerfile": 2 checks have failed\n  line 1: UndefinedVar: undefined\n  line 2: FromAsCasing: casing',
      source: at(1),
    });
  });
});

describe('checkDockerfile()', () => {
  const check = (text: string, options: Parameters<typeof checkDockerfile>[1] = { resolveBase: knownBases }) =>
    checkDockerfile({ dockerfile: { name: 'Dockerfile', text } }, options);

  test('gives rule, description, message, address and place', async () => {
    const { warnings, failed } = await check('FROM alpine:3.20 as a\n');
    expect(warnings).toEqual([
      {
        rule: 'FromAsCasing',
        description: "The 'as' keyword should match the case of the 'from' keyword",
        message: "'as' and 'FROM' keywords' casing do not match",
        url: 'https://docs.docker.com/go/dockerfile/rule/from-as-casing/',
        source: { file: 'Dockerfile', start: { line: 1, column: 1 }, end: { line: 1, column: 22 } },
      },
    ]);
    expect(failed).toBe(true);
  });

  test('does not fail for rules of ours', async () => {
    const { warnings, failed, error } = await check('FROM alpine\nRUN export A=1\n');
    expect(warnings.map(({ rule }) => rule)).toEqual(['tsbuild/UnpinnedBase', 'tsbuild/LostVariable']);
    expect([failed, error]).toEqual([false, undefined]);
  });

  test('has the first mistake in the result, and what was found before it', async () => {
    const { warnings, error, failed } = await check('FROM alpine:3 as a\nMAINTAINER me\nCOPPY a b\nMAINTAINER you\n');
    expect(warnings.map(({ rule }) => rule)).toEqual(['FromAsCasing', 'MaintainerDeprecated']);
    expect(error).toMatchObject({ code: 'DOCKERFILE_SYNTAX', hint: 'Did you mean COPY?' });
    expect(failed).toBe(true);
  });

  test('goes on without an image that is missing, which is an error', async () => {
    const { warnings, error } = await check('FROM nosuch:1\nENV A=$x\nWORKDIR y\n');
    expect(warnings.map(({ rule }) => rule)).toEqual(['WorkdirRelativePath']);
    expect(error).toMatchObject({ code: 'IMAGE_NOT_FOUND', source: { start: { line: 1 } } });
  });

  test.each<ErrorCode>(['REGISTRY_UNREACHABLE', 'REGISTRY_UNAUTHORIZED'])(
    'goes on without an image that cannot be asked for (%s), which is none',
    async (code) => {
      const resolveBase = () => Promise.reject(new TsbuildError(code, 'cannot ask'));
      const { error, unknownBases, failed, warnings } = await check('FROM far.example/x:1\nENV A=$x\n', {
        resolveBase,
      });
      expect([error, failed, warnings]).toEqual([undefined, false, []]);
      expect(unknownBases.map(({ source }) => source?.start.line)).toEqual([1]);
    },
  );

  test('looks nothing up when it is given nothing to look it up with', async () => {
    const { warnings, unknownBases } = await check('FROM alpine:3\nENV A=$x\nCMD a\n', {});
    expect(warnings.map(({ rule }) => rule)).toEqual(['JSONArgsRecommended']);
    expect(unknownBases).toHaveLength(1);
  });

  test('passes on what is no mistake of the Dockerfile', async () => {
    const platform = checkDockerfile({
      dockerfile: { name: 'Dockerfile', text: 'FROM alpine:3' },
      platform: 'a/b/c/d',
    });
    await expect(platform).rejects.toSatisfy((error) => isTsbuildError(error, 'USAGE'));
    const resolveBase = () => Promise.reject(new TsbuildError('ABORTED', 'cancelled'));
    await expect(check('FROM alpine:3', { resolveBase })).rejects.toSatisfy((error) =>
      isTsbuildError(error, 'ABORTED'),
    );
  });
});

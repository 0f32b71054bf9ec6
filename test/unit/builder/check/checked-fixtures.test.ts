import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkDockerfile, type CheckResult } from '../../../../src/builder/check/check-dockerfile.js';
import { isDockerRule } from '../../../../src/parser/checks/rules.js';
import { isTsbuildError } from '../../../../src/support/errors.js';
import { knownBases } from './known-bases.js';

/** What `docker build --call=check,format=json` said: Docker 28.5.2 with its own BuildKit. */
interface Recorded {
  readonly arguments: readonly string[];
  readonly warnings: readonly Told[];
  readonly exit: number;
  readonly error?: { readonly message: string; readonly lines: readonly (readonly [number, number])[] };
}

/** Where we differ on purpose, and why: newer BuildKits do as we, or the file of the case says more. */
interface Deviation {
  readonly why: string;
  readonly warnings?: readonly Told[];
  readonly error?: false;
}

interface Told {
  readonly rule: string;
  readonly message: string;
  readonly lines: readonly [number, number];
}

const FOLDER = new URL('../../../../fixtures/dockerfiles/checked/', import.meta.url);
const CASES = readdirSync(FOLDER).sort();
const read = (path: string): string => readFileSync(new URL(path, FOLDER), 'utf8');

function readOptional<T>(path: string): T | undefined {
  return existsSync(new URL(path, FOLDER)) ? (JSON.parse(read(path)) as T) : undefined;
}

async function check(name: string, words: readonly string[]): Promise<CheckResult> {
  const ignore = existsSync(new URL(`${name}/ignore`, FOLDER)) ? read(`${name}/ignore`) : null;
  const given = (flag: string): readonly string[] =>
    words.flatMap((word, index) => (words[index - 1] === flag ? [word] : []));
  return checkDockerfile(
    {
      dockerfile: { name: 'Dockerfile', text: read(`${name}/Dockerfile`) },
      ignore: ignore === null ? null : { name: '.dockerignore', text: ignore },
      buildArgs: Object.fromEntries(given('--build-arg').map((word) => /^([^=]*)=(.*)$/s.exec(word)?.slice(1) ?? [])),
      target: given('--target')[0],
      platform: given('--platform')[0],
    },
    { resolveBase: knownBases },
  );
}

/** Of BuildKit's rules; lines are whole lines there. */
function told({ warnings }: CheckResult): readonly Told[] {
  return warnings
    .filter(({ rule }) => isDockerRule(rule))
    .map(({ rule, message, source: { start, end } }) => ({
      rule,
      message,
      lines: [start.line, end.column <= 1 ? Math.max(start.line, end.line - 1) : end.line],
    }));
}

/** Sorted, and each once: BuildKit repeats a warning for every word of an instruction. */
const normalized = (warnings: readonly Told[]): readonly string[] =>
  [...new Set(warnings.map(({ rule, message, lines }) => `${lines.join('-')} ${rule}: ${message}`))].sort();

describe('a Dockerfile is told the same as by BuildKit, rule by rule, line by line', () => {
  test('there are more than eighty of them', () => {
    expect(CASES.length).toBeGreaterThan(80);
  });

  test.for(CASES)('%s', async (name) => {
    const recorded = JSON.parse(read(`${name}/buildkit.json`)) as Recorded;
    const deviation = readOptional<Deviation>(`${name}/tsbuild.json`);
    const expected = deviation?.warnings ?? recorded.warnings;
    let result: CheckResult;
    try {
      result = await check(name, recorded.arguments);
    } catch (error) {
      // A request that makes no sense: nothing is checked.
      expect(isTsbuildError(error, 'USAGE') && recorded.error).toBeTruthy();
      expect(recorded.warnings).toEqual([]);
      return;
    }
    expect(normalized(told(result))).toEqual(normalized(expected));
    expect(result.error !== undefined).toBe(deviation?.error ?? recorded.error !== undefined);
    const [range] = recorded.error?.lines ?? [];
    if (range !== undefined && result.error !== undefined) expect(result.error.source?.start.line).toBe(range[0]);
    expect(result.failed).toBe(expected.length > 0 || result.error !== undefined);
  });
});

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isTsbuildError } from '../../../../src/support/errors.js';
import { historyLines, planText } from './plan-text.js';

interface Recorded {
  readonly cases: readonly {
    readonly dockerfile: readonly string[];
    /** `--build-arg A=given`. */
    readonly given?: true;
    readonly refused?: true;
    readonly config?: unknown;
    readonly author?: string;
    readonly history?: readonly string[];
  }[];
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
}

const { cases } = read('observed-at-random.json') as Recorded;
const mounts = read('observed-mounts.json') as Readonly<Record<'taken' | 'refused', readonly string[]>>;

async function outcome(text: string, buildArgs: Readonly<Record<string, string>> = {}): Promise<unknown> {
  try {
    const plan = await planText(text, { buildArgs });
    const { config, author } = plan.image;
    return { config, ...(author !== undefined && { author }), history: historyLines(plan) };
  } catch (error) {
    if (isTsbuildError(error)) return { refused: true };
    throw error;
  }
}

test.each(cases)('what BuildKit made of %#', async ({ dockerfile, given, ...seen }) => {
  const text = dockerfile.join('\n');
  expect({ text, ...((await outcome(text, given && { A: 'given' })) as object) }).toEqual({ text, ...seen });
});

const withMount = (mount: string): string =>
  `FROM scratch AS st\nCOPY f /f\nFROM scratch\nARG V=/vv M=0711\nRUN --mount=${mount} x\n`;

test.each(mounts.taken)('BuildKit takes --mount=%s', async (mount) => {
  expect(await outcome(withMount(mount))).toHaveProperty('config');
});

test.each(mounts.refused)('BuildKit refuses --mount=%s', async (mount) => {
  expect(await outcome(withMount(mount))).toEqual({ refused: true });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseArguments } from '../../../src/cli/argv.js';
import { argumentsSpec } from '../../../src/cli/command.js';
import { findInvocation } from '../../../src/cli/run-cli.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const PAGES: readonly string[] = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && name !== 'cli.md')
    .map((name) => join('docs', name))
    .sort(),
];

/** The command lines of `tsbuild` in blocks of shell commands, with lines that go on put together. */
function commandLines(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```(?:sh|bash|console|shell)\n(.*?)^```/gms)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.replace(/\\\n\s*/g, ' ').split('\n'))
    .flatMap((line) => line.split(/\s(?:\||&&|;)\s/))
    .map((part) => part.trim().replace(/^\$ /, ''))
    .map((part) => part.replace(/^(?:[A-Z_]+=\S*\s+)+/, ''))
    .filter((part) => part.startsWith('tsbuild '));
}

/** As a shell splits them, as far as pages go: quotes, comments and redirections. */
function wordsOf(line: string): readonly string[] {
  const words = [...line.matchAll(/(?:\$\([^)]*\)|'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word);
  const end = words.findIndex((word) => word === '#' || /^\d?[<>]/.test(word) || word === '&' || word === '|');
  return (end === -1 ? words : words.slice(0, end))
    .map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'))
    .slice(1);
}

const LINES = PAGES.flatMap((page) =>
  commandLines(readFileSync(join(ROOT, page), 'utf8')).map((line) => [page, line] as const),
);

test('pages have commands to check', () => {
  expect(LINES.length).toBeGreaterThan(20);
});

test.each(LINES)('%s: %s', (_page, line) => {
  const { command, words } = findInvocation(wordsOf(line), () => true);
  expect(() => parseArguments(words, argumentsSpec(command))).not.toThrow();
});

import { expect, test } from 'vitest';
import { parseArguments } from '../../../../src/cli/argv.js';
import { readExecutorContext } from '../../../../src/cli/sources/executor-context.js';
import { executorCommand } from '../../../../src/cli/tables/executor-option-table.js';

const SPEC = { command: 'tsbuild executor', options: executorCommand([]).options, positionals: { min: 0, max: 0 } };

const contextOf = (words: readonly string[], env: Record<string, string> = {}) =>
  readExecutorContext(parseArguments(words, SPEC), { cwd: '/project', env });

test.each<[string[], string]>([
  [[], '/workspace'],
  [['-c', 'app', '--context-sub-path', 'x'], '/project/app/x'],
  [['-c', 'tar://stdin'], '-'],
  [['-c', 'git://h.example/a/b'], 'https://h.example/a/b.git'],
  [['-c', 'git://h.example/a/b.git#refs/heads/x'], 'https://h.example/a/b.git#refs/heads/x'],
  [['-c', 'git://h.example/a#refs/heads/x#0123abc', '--context-sub-path=d'], 'https://h.example/a.git#0123abc:d'],
  [['-c', 'git://h.example/a', '--git', 'single-branch=true,branch=dev'], 'https://h.example/a.git#dev'],
  [['-c', 'https://h.example/a.tar.gz'], 'https://h.example/a.tar.gz'],
])('%j', (words, context) => {
  expect(contextOf(words).context).toBe(context);
});

test('GIT_PULL_METHOD chooses plain HTTP, and a Dockerfile is looked for in the context', () => {
  expect(contextOf(['-c', 'git://h.example/a'], { GIT_PULL_METHOD: 'http' }).context).toBe('http://h.example/a.git');
  expect(contextOf(['-c', 'dir:///ctx', '-f', 'none/Dockerfile']).dockerfile).toBe('/ctx/none/Dockerfile');
});

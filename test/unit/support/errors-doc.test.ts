import { expect, test } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../../src/support/errors.js';
import { ERROR_GUIDES } from '../../support/error-guide.js';

/** `npx vitest run test/unit/support/errors-doc.test.ts -u` writes the page anew. */
test('docs/errors.md lists every code with its exit status, what it means and what to do', async () => {
  const codes = Object.entries(ERROR_CODES) as [ErrorCode, (typeof ERROR_CODES)[ErrorCode]][];
  const rows = codes.sort(([, left], [, right]) => left.exit - right.exit);
  const width = Math.max(...rows.map(([code]) => code.length)) + 2;
  const page = [
    '# Errors',
    '',
    '<!-- Made from src/support/errors.ts and test/support/error-guide.ts; see test/unit/support/errors-doc.test.ts. -->',
    '',
    'Every error that a user can cause has a code and a hint, and shows the line of the Dockerfile where there is one. Codes and',
    'exit statuses are stable; message texts are not. Three more statuses: 129 after SIGHUP, 143 after SIGTERM, 141 when nobody reads the output.',
    '',
    `| exit | ${'code'.padEnd(width)} | about |`,
    `| ---: | ${'-'.repeat(width)} | ----- |`,
    ...rows.map(
      ([code, { exit, about }]) => `| ${String(exit).padStart(4)} | ${`\`${code}\``.padEnd(width)} | ${about} |`,
    ),
    ...rows.flatMap(([code, { exit }]) => {
      const { meaning, example, remedy } = ERROR_GUIDES[code];
      return ['', `## ${code}`, '', `${meaning} Exit status ${exit}.`, '', '```text', example, '```', '', remedy];
    }),
    '',
  ];
  await expect(page.join('\n')).toMatchFileSnapshot('../../../docs/errors.md');
});

test.each(Object.entries(ERROR_GUIDES))('the guide of %s is in full sentences', (_, { meaning, example, remedy }) => {
  for (const text of [meaning, remedy]) expect(text).toMatch(/^[A-Z`].*[.]$/);
  expect(example).toMatch(/^(?:cannot|internal error:) [^\n]*[^.\n]$/);
});

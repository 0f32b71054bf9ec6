import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../../src/support/errors.js';

/** `npx vitest run test/unit/support/errors-doc.test.ts -u` writes the page anew. */
test('docs/errors.md lists every code with its exit status', async () => {
  const rows = Object.entries(ERROR_CODES).sort(([, left], [, right]) => left.exit - right.exit);
  const width = Math.max(...rows.map(([code]) => code.length)) + 2;
  const page = [
    '# Errors',
    '',
    '<!-- Made from src/support/errors.ts; see test/unit/support/errors-doc.test.ts. -->',
    '',
    'Every error that a user can cause has a code and a hint, and shows the line of the Dockerfile where there is one. Codes and',
    'exit statuses are stable; message texts are not. Three more statuses: 129 after SIGHUP, 143 after SIGTERM, 141 when nobody reads the output.',
    '',
    `| exit | ${'code'.padEnd(width)} | about |`,
    `| ---: | ${'-'.repeat(width)} | ----- |`,
    ...rows.map(
      ([code, { exit, about }]) => `| ${String(exit).padStart(4)} | ${`\`${code}\``.padEnd(width)} | ${about} |`,
    ),
    '',
  ];
  await expect(page.join('\n')).toMatchFileSnapshot('../../../docs/errors.md');
});

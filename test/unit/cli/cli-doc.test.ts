import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/tables/command-table.js';
import { cliPage, manPages } from '../../support/cli-reference.js';

/** `npx vitest run test/unit/cli/cli-doc.test.ts -u` writes the pages anew. */
test('docs/cli.md has every command and option', async () => {
  await expect(cliPage(COMMANDS)).toMatchFileSnapshot('../../../docs/cli.md');
});

test('docs/man has a page of each command, and no others', async () => {
  const pages = manPages(COMMANDS);
  for (const [name, text] of pages) {
    await expect(text).toMatchFileSnapshot(`../../../docs/man/${name}.1`);
  }
  const files = (await readdir(new URL('../../../docs/man/', import.meta.url))).sort();
  expect(files).toEqual([...pages.keys()].map((name) => `${name}.1`).sort());
});

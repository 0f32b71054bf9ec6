import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readableText } from '../../../src/support/readable-text.js';

test('a file that cannot be read has no text, and an empty one has', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-text-'));
  try {
    writeFileSync(join(folder, 'file'), 'té\n');
    writeFileSync(join(folder, 'empty'), '');
    const names = ['file', 'empty', 'nosuch', '.', 'file/below'];
    expect(names.map((name) => readableText(join(folder, name)))).toEqual([
      'té\n',
      '',
      undefined,
      undefined,
      undefined,
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

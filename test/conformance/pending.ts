import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './case-folders.js';

/** The cases that wait for work elsewhere, by name: they must differ, and leave the list once they agree. */
export function pendingCases(): ReadonlySet<string> {
  const text = readFileSync(join(REPOSITORY, 'test/conformance/pending.txt'), 'utf8');
  return new Set(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')));
}

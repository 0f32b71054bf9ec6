import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const DEMO = fileURLToPath(new URL('../../scripts/demo.mjs', import.meta.url));

/** As a user runs it, but with a folder for temporary files that can be looked into afterwards. */
describe('the demo', () => {
  let temporary: string;
  let output: string;

  beforeAll(async () => {
    temporary = mkdtempSync(join(tmpdir(), 'tsbuild-e2e-demo-'));
    const env = { ...process.env, TMPDIR: temporary };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [DEMO], { env, maxBuffer: 1 << 24 });
    output = stdout + stderr;
  });
  afterAll(() => rmSync(temporary, { recursive: true, force: true }));

  test('ends well, with one image id for what was built, built again and loaded', () => {
    const ids = ['built', 'built again', 'loaded'].map(
      (what) => new RegExp(`^${what} +(sha256:[0-9a-f]{64})`, 'm').exec(output)?.[1],
    );
    expect(ids[0]).toBeDefined();
    expect(new Set(ids).size).toBe(1);
    expect(output.trimEnd()).toMatch(/The ids match\.$/);
  });

  test('takes every step of the second build out of the cache', () => {
    const [first = '', again = ''] = output.split('\n$ tsbuild ').filter((part) => / build /.test(part.slice(0, 200)));
    const steps = [...again.matchAll(/^(#\d+) \[(?:report|stage-1) \d+\/\d+\]/gm)].map(([, number]) => number);
    expect(new Set(steps).size).toBe(8);
    for (const step of steps) expect(again).toContain(`\n${step} CACHED\n`);
    expect(first.match(/ CACHED$/gm)?.length ?? 0).toBeLessThan(8);
  });

  test('shows the report that was made in the first stage', () => {
    expect(output).toMatch(/Visits: 16 requests, 122626 bytes/);
    expect(output).toMatch(/report\.txt: OK/);
    expect(output).toContain('"User": "nobody"');
  });

  test('leaves nothing behind', () => {
    expect(readdirSync(temporary)).toEqual([]);
  });
});

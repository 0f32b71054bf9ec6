import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open-store.js';
import { tarOf } from '../support/archive-builder.js';
import { inTerminal, type InTerminal } from '../support/in-terminal.js';
import { putSampleImage } from '../support/sample-images.js';
import { CLI, tsbuild, type CliResult } from '../support/tsbuild.js';

// Images looked into by the built command line, in a terminal and without.

let place: string;
let env: Record<string, string>;
const run = (...args: string[]): Promise<CliResult> => tsbuild(args, { env, cwd: place });
const walk = (more: Readonly<Record<string, string>> = {}): InTerminal =>
  inTerminal([process.execPath, CLI, 'explore', 'image:2'], {
    env: { PATH: process.env['PATH'], TERM: 'xterm-256color', ...env, ...more },
    cwd: place,
  });

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-explore-'));
  env = { TSBUILD_STORE: join(place, 'store'), HOME: place };
  using store = await openStore(join(place, 'store'));
  const base = { tar: await tarOf([['etc/one', 'x'.repeat(5000)]]), compression: 'gzip' } as const;
  const next = {
    tar: await tarOf([
      ['etc/.wh.one', ''],
      ['usr/two', 'y'.repeat(5000)],
    ]),
    compression: 'gzip',
  } as const;
  await putSampleImage(store, [base], 'image:1');
  await putSampleImage(store, [base, next], 'image:2');
});
afterAll(() => {
  rmSync(place, { recursive: true, force: true });
});

describe('tsbuild explore', () => {
  test('shows layers and files on a screen of its own, and leaves the terminal as it was', async () => {
    const terminal = walk();
    await terminal.until(/\x1b\[\?1049h/);
    await terminal.until(/Efficiency 50 %: 5kB of 10kB are wasted in 1 file/);
    await terminal.until(/usr\/ …/);
    terminal.type('\t');
    await terminal.until(/0755 0:0 \/etc/);
    terminal.type('/two');
    await terminal.until(/1 found/);
    terminal.resize({ columns: 40, rows: 10 });
    await terminal.until(/\/usr\/two/);
    terminal.type('\r\rw');
    await terminal.until(/WASTED/);
    terminal.type('q');
    const { status, restored, shown } = await terminal.end();
    expect({ status, restored }).toEqual({ status: 0, restored: true });
    expect(shown).toMatch(/\x1b\[\?1049l[^\n]*$/);
  });

  test('is interrupted by Ctrl-C, and has neither color nor more than ASCII where there is none', async () => {
    const terminal = walk({ NO_COLOR: '1', LC_ALL: 'C' });
    await terminal.until(/usr\/ \.\.\./);
    terminal.type('\x03');
    const { status, restored, shown } = await terminal.end();
    expect({ status, restored }).toEqual({ status: 130, restored: true });
    expect(shown).toContain('\x1b[?1049l');
    expect(shown).not.toMatch(/\x1b\[[0-9;]*m/);
    expect(shown).toMatch(/^[\x00-\x7f]*$/);
  });

  test('without a terminal prints a report, which limits of waste can fail', async () => {
    const before = readdirSync(join(place, 'store')).sort();
    const { exitCode, stdout, stderr } = await run('explore', 'image:2', '--max-wasted', '40%');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^5kB +1 +removed in 2 +\/etc\/one$/m);
    expect(stderr).toContain(
      'error[IMAGE_WASTEFUL]: cannot accept image "image:2": it wastes 5kB of 10kB, more than 40%',
    );
    expect((await run('explore', 'image:2', '--min-efficiency', '0.5')).exitCode).toBe(0);
    expect(readdirSync(join(place, 'store')).sort()).toEqual(before);
    expect(existsSync(join(place, 'store/snapshots/overlay'))).toBe(false);
  });
});

describe('tsbuild diff', () => {
  test('compares an image of the store with one in an archive, which the store is not given', async () => {
    await run('save', '-o', 'archive.tar', 'image:1');
    const { exitCode, stdout, stderr } = await run('diff', '--exit-code', 'docker-archive:archive.tar', 'image:2');
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    expect(stdout).toContain('  - /etc/one  5kB\n  + /usr/\n  + /usr/two  5kB\n');
    expect((await run('images', '-q')).stdout.trim().split('\n')).toHaveLength(2);
    expect(readdirSync(join(place, 'store/tmp'))).toEqual([]);
  });
});

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// What only a real process shows: the bundle, its loader, signals, closed pipes, a terminal. `npm run build` makes the bundle.
const bin = fileURLToPath(new URL('../../dist/bin/', import.meta.url));
const tsbuild = join(bin, 'tsbuild.js');
const script = '/usr/bin/script';

let folder: string;
beforeAll(() => {
  if (!existsSync(tsbuild)) throw new Error('dist/bin/tsbuild.js is missing: run npm run build first');
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-process-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function run(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsbuild, ...words], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('the bundled command line', () => {
  test('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(run('--version')).toEqual({ status: 0, stdout: `tsbuild ${version}\n`, stderr: '' });
  });

  test('fails for what it is not, with the status that says so', () => {
    const { status, stdout, stderr } = run('bild');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain("Did you mean 'tsbuild build'?");
  });

  test('keeps standard error to JSON when that is asked for', () => {
    const { status, stderr } = run('--progress=json', '-t', 'x', '/nosuch');
    expect([status, JSON.parse(stderr)]).toEqual([
      3,
      expect.objectContaining({ version: 1, type: 'error', code: 'CONTEXT_INVALID' }),
    ]);
  });

  test('ends in silence when nobody reads its output', () => {
    const command = `{ sleep 0.2; "${process.execPath}" "${tsbuild}" --help; echo "ended with $?" >&2; } | true`;
    expect(spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stderr).toBe('ended with 141\n');
  });

  test('leaves nothing out for a reader that is slow, and nothing of the pipe changed', () => {
    const names = Array.from({ length: 8000 }, (_, at) => `target-${at}`);
    const target = Object.fromEntries(names.map((name) => [name, {}]));
    writeFileSync(join(folder, 'many.json'), JSON.stringify({ target, group: { default: { targets: names } } }));
    const printed = `"${process.execPath}" "${tsbuild}" bake --print -f many.json`;
    const whole = run('bake', '--print', '-f', 'many.json').stdout;
    // More than a pipe holds.
    expect(whole.length).toBeGreaterThan(200_000);
    const flags = 'grep flags /proc/self/fdinfo/1 >&2';
    const { stdout, stderr } = spawnSync('sh', ['-c', `{ ${flags}; ${printed}; ${flags}; } | { sleep 0.5; cat; }`], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stdout === whole).toBe(true);
    const [before, after] = stderr.split('\n');
    expect(after).toBe(before);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('is cancelled by %s while it waits', async (signal, expected) => {
    const child = spawn(process.execPath, [tsbuild, 'build', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const errors: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
    child.stdin.on('error', () => undefined);
    // More than the pipe between them holds: when it is written, the command has begun to read, and its handlers are there.
    await new Promise((resolve) => child.stdin.write('#'.repeat(900_000), resolve));
    child.kill(signal);
    expect([await ended, errors.join('')]).toEqual([expected, 'cancelled\n']);
  });

  test.skipIf(!existsSync(script))(
    'opens its live view on a terminal (skipped where script(1) of util-linux is missing)',
    () => {
      const command = `stty cols 80 rows 24; sleep 5 | "${process.execPath}" "${tsbuild}" build --progress=tty -`;
      const { stdout, status } = spawnSync(script, ['-qec', command, '/dev/null'], {
        encoding: 'utf8',
        env: { ...process.env, TERM: 'xterm' },
      });
      expect(stdout).toMatch(/\[\+\] Building \d+\.\ds/);
      expect(stdout).toContain('cannot read the Dockerfile from standard input: it is empty');
      expect(status).toBe(3);
    },
  );
});

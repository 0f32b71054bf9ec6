// One process at a time, timed from its start to its end.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export class ProcessFailed extends Error {}

/** The environment of every measured process: what slows Node down or moves a tool elsewhere is left out. */
export function measuringEnvironment(added = {}) {
  const removed = /^(NODE_EXTRA_CA_CERTS|NODE_OPTIONS|TSBUILD_.*|SOURCE_DATE_EPOCH|DOCKER_HOST|DOCKER_BUILDKIT)$/;
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !removed.test(name))), ...added };
}

/** Runs a command to its end. @returns milliseconds and what it wrote; throws `ProcessFailed` with its last words */
export function run(argv, { env = measuringEnvironment(), cwd } = {}) {
  const [program, ...words] = argv;
  const started = process.hrtime.bigint();
  const result = spawnSync(program, words, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
  const milliseconds = Number(process.hrtime.bigint() - started) / 1e6;
  if (result.error !== undefined) throw new ProcessFailed(`${program}: ${result.error.code ?? result.error.message}`);
  const output = `${result.stdout}${result.stderr}`;
  if (result.status !== 0) {
    const lastLines = output.trim().split('\n').slice(-3).join(' / ');
    throw new ProcessFailed(
      `${argv.slice(0, 6).join(' ')} … ended with ${result.signal ?? result.status}: ${lastLines}`,
    );
  }
  return { milliseconds, output, stdout: String(result.stdout).trim() };
}

/** As `run`. @returns also the peak of memory of all its processes together, in kilobytes, and their processor time, in ms */
export function runMeasured(argv, options) {
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-measure-'));
  try {
    const file = join(directory, 'taken.json');
    const measure = fileURLToPath(new URL('measure.mjs', import.meta.url));
    const result = run([process.execPath, measure, file, ...argv], options);
    return { ...result, ...JSON.parse(readFileSync(file, 'utf8')) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What `run` writes to stdout, or `null` when it fails. */
export function tryRun(argv, options) {
  try {
    return run(argv, options).stdout;
  } catch (error) {
    if (error instanceof ProcessFailed) return null;
    throw error;
  }
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inTerminal, type InTerminal } from '../support/in-terminal.js';
import { requirement } from '../support/require.js';
import { CLI, tsbuild, type CliResult } from '../support/tsbuild.js';

// Images that are tried and failed steps that are entered, by the built command line, as whoever runs the tests.

const reason = 'there is no /bin/busybox (package busybox-static)';
const { skip } = requirement('sandbox', existsSync('/bin/busybox'), reason);

let place: string;
let env: Record<string, string>;
const run = (...args: string[]): Promise<CliResult> => tsbuild(['run', ...args], { env, cwd: place });
const sh = async (script: string, ...options: string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await run(...options, 'base', 'sh', '-c', script);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
};
const terminal = (...args: string[]): InTerminal =>
  inTerminal([process.execPath, CLI, ...args], {
    env: { PATH: process.env['PATH'], TERM: 'xterm', ...env },
    cwd: place,
  });

beforeAll(async () => {
  if (skip) return;
  place = mkdtempSync(join(tmpdir(), 'tsbuild-run-'));
  env = { TSBUILD_STORE: join(place, 'store'), HOME: place, FROM_HERE: 'here' };
  mkdirSync(join(place, 'context/data'), { recursive: true });
  cpSync('/bin/busybox', join(place, 'context/busybox'));
  const lines = [
    'FROM scratch',
    'COPY busybox /bin/busybox',
    'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
    'ENV IMAGE=yes OVER=image',
    'WORKDIR /work',
    'STOPSIGNAL SIGUSR1',
    'ENTRYPOINT []',
    'CMD ["sh", "-c", "echo by default"]',
  ];
  writeFileSync(join(place, 'context/Dockerfile'), lines.join('\n'));
  writeFileSync(join(place, 'context/data/file'), 'mine\n');
  const built = await tsbuild(['-t', 'base', 'context'], { env, cwd: place });
  expect(built.stderr).not.toContain('error');
});
afterAll(async () => {
  if (skip) return;
  // An ordinary user's snapshots are of ids that only a user namespace may remove.
  await tsbuild(['prune', '--all', '--cache-mounts', '--force'], { env, cwd: place, killAfterMs: 20_000 });
  rmSync(place, { recursive: true, force: true });
});

describe.skipIf(skip)(`run (${skip ? reason : 'here'})`, () => {
  test('runs what the image says, in its surroundings', async () => {
    expect(await run('base')).toMatchObject({ exitCode: 0, stdout: 'by default\n', stderr: '' });
    expect(
      await sh('echo $IMAGE $OVER $FROM_HERE $HOSTNAME; pwd; id -u', '-e', 'OVER=asked', '-e', 'FROM_HERE'),
    ).toMatch(/^yes asked here [0-9a-f]{12}\n\/work\n0\n$/);
    const given = await sh('id -u; id -g; pwd; hostname', '-u', '12:34', '-w', '/bin', '-h', 'me');
    expect(given).toBe('12\n34\n/bin\nme\n');
    expect((await run('--entrypoint', 'echo', 'base')).stdout).toBe('\n');
    expect((await run('--entrypoint', 'echo', 'base', '--rm', 'x')).stdout).toBe('--rm x\n');
  });

  test.for([
    [['base', 'sh', '-c', 'exit 7'], 7, ''],
    [['base', 'no-such'], 127, 'exec: "no-such": executable file not found in $PATH\n'],
    [['base', '/bin'], 126, 'exec: "/bin": is a directory\n'],
    [['base', 'sh', '-c', 'kill -9 $$'], 137, ''],
    [['--pull', 'never', 'nowhere'], 125, 'error[IMAGE_NOT_FOUND]'],
    [['-u', 'nobody-here', 'base'], 125, 'error[DOCKERFILE_SEMANTICS]: cannot find user "nobody-here"'],
    [['-it', 'base'], 125, 'error[USAGE]: cannot give the program a terminal: standard input is no terminal'],
    [['-p', '80:80', 'base'], 125, 'error[USAGE]: cannot use flag "-p": tsbuild run has no such flag'],
  ] as const)('%j ends with %i', async ([args, exitCode, message]) => {
    const outcome = await run(...args);
    expect(outcome.exitCode).toBe(exitCode);
    expect(outcome.stderr.startsWith(message), outcome.stderr).toBe(true);
    expect(message === '' ? outcome.stderr : '').toBe('');
  });

  test('keeps nothing but what is written to mounts', async () => {
    const data = join(place, 'context/data');
    await sh('echo x > /new; echo theirs > /data/new', '--rm', '-v', `${data}:/data`);
    expect(readFileSync(join(data, 'new'), 'utf8')).toBe('theirs\n');
    expect(await sh('ls /new 2>&1; cat /data/file', '--mount', 'type=bind,src=context/data,dst=/data,readonly')).toBe(
      'ls: /new: No such file or directory\nmine\n',
    );
    const refused =
      'for f in /data/x /x /dev/shm/x /t/x; do (echo > $f) 2>/dev/null && echo $f; done; df -k /t | tail -1 | tr -s " " | cut -d" " -f2';
    expect(await sh(refused, '-v', `${data}:/data:ro`, '--read-only', '--tmpfs', '/t:size=1m')).toBe(
      '/dev/shm/x\n/t/x\n1024\n',
    );
  });

  test('passes standard input on, and a program need not read it', async () => {
    const input = 'x'.repeat(300_000);
    const options = { env, cwd: place, input };
    expect((await tsbuild(['run', '-i', 'base', 'wc', '-c'], options)).stdout).toBe('300000\n');
    expect((await tsbuild(['run', '-i', 'base', 'sh', '-c', 'exit 3'], options)).exitCode).toBe(3);
    expect((await tsbuild(['run', 'base', 'wc', '-c'], options)).stdout).toBe('0\n');
  });

  test('gives GPUs by their specification', async () => {
    const devices = ['all', '0'].map((name) => ({ name, containerEdits: { env: [`GPU=${name}`] } }));
    writeFileSync(join(place, 'gpu.json'), JSON.stringify({ cdiVersion: '0.6.0', kind: 'nvidia.com/gpu', devices }));
    expect(await sh('echo $GPU', '--gpus', 'all', '--cdi-config-dir', '.')).toBe('all\n');
    expect(await sh('echo $GPU', '--gpus', 'device=0', '--cdi-config-dir', '.')).toBe('0\n');
    const { exitCode, stderr } = await run('--gpus', '9', '--cdi-config-dir', '.', 'base');
    expect({ exitCode, stderr }).toEqual({ exitCode: 125, stderr: expect.stringContaining('"nvidia.com/gpu=1"') });
  });

  test.for([
    ['SIGTERM', 'USR1'],
    ['SIGINT', 'INT'],
    ['SIGUSR2', 'USR2'],
  ] as const)('%s comes to the program as %s', async ([signal, trapped]) => {
    const script = `trap 'echo got ${trapped}; exit 9' ${trapped}; echo ready; while :; do sleep 0.05; done`;
    const child = spawn(process.execPath, [CLI, 'run', 'base', 'sh', '-c', script], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (shown === '') child.kill(signal);
      shown += text;
    });
    const [status] = (await once(child, 'close')) as [number | null];
    expect({ status, shown }).toEqual({ status: 9, shown: `ready\ngot ${trapped}\n` });
  });

  test('a program that hears no signal is killed by the third', async () => {
    const child = spawn(process.execPath, [CLI, 'run', 'base', 'sh', '-c', "trap '' INT; echo ready; sleep 600"], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const again = setInterval(() => child.kill('SIGINT'), 50);
    const [status] = (await once(child, 'exit')) as [number | null];
    clearInterval(again);
    // Once it is being killed, further ones are for tsbuild itself.
    expect([137, 130]).toContain(status);
  });

  test('-it gives a terminal, with its size, keys that are signals, and job control', async () => {
    const there = terminal('run', '-it', '-e', 'PS1=> ', 'base', 'sh');
    await there.until(/> /);
    there.type('tty; stty size; echo $TERM\r');
    await there.until(/\/dev\/pts\/0\r\n24 80\r\nxterm\r\n> /);
    there.resize({ columns: 101, rows: 33 });
    there.type("(echo o''ne; sleep 600)\r");
    await there.until(/one\r\n/);
    there.type('\x1a');
    await there.until(/Stopped[^]*> /);
    there.type("kill -9 %1; (echo t''wo; sleep 600)\r");
    await there.until(/two\r\n/);
    there.type('\x03');
    await there.until(/> /);
    there.type('stty size; exit 5\r');
    await there.until(/33 101\r\n/);
    expect(await there.end()).toMatchObject({ status: 5, restored: true });
  });

  test('leaves the terminal as it was when the program is killed', async () => {
    const there = terminal('run', '-it', 'base', 'sh', '-c', 'echo ready; kill -9 $$');
    await there.until(/ready/);
    expect(await there.end()).toMatchObject({ status: 137, restored: true });
  });
});

describe.skipIf(skip)('build --on-error shell', () => {
  const failing = [
    'FROM base',
    'ENV STAGE=env',
    'RUN mkdir /home && chown 12 /home',
    'USER 12',
    'WORKDIR /home',
    'RUN --mount=type=cache,target=/cache,uid=12 --mount=type=secret,id=word,uid=12 \\',
    '  echo made > made && echo kept > /cache/file && exit 3',
  ].join('\n');
  const build = ['build', '--progress', 'plain', '-t', 'failed', '-f', 'failing', '--secret', 'id=word,src=word', '.'];

  beforeAll(() => {
    if (skip) return;
    writeFileSync(join(place, 'failing'), failing);
    writeFileSync(join(place, 'word'), 'opensesame\n');
  });

  test('is in the sandbox of the failed step; leaving it ends the build as it would have ended', async () => {
    const there = terminal(...build, '--on-error', 'shell');
    await there.until(/exit code 3[^]*The command was:[^]*echo made > made && [^]*\$ /);
    there.type('id -u; pwd; cat made /cache/file /run/secrets/word; echo $STAGE; tty; touch here\r');
    await there.until(/12\r\n\/home\r\nmade\r\nkept\r\nopensesame\r\nenv\r\n\/dev\/pts\/0\r\n/);
    there.type('exit 77\r');
    await there.until(/error\[RUN_FAILED\][^]*exit code 3/);
    expect(await there.end()).toMatchObject({ status: 4, restored: true });
    const again = await tsbuild([...build, '--on-error', 'stop'], { env, cwd: place });
    expect(again.exitCode).toBe(4);
    // Not remembered, and done again upon the files of the step before.
    expect(again.stderr).toMatch(/RUN --mount(?![^]*CACHED)[^]*exit code 3/);
  });

  test('the live view steps aside, and what the step said is shown', async () => {
    writeFileSync(join(place, 'loud'), 'FROM base\nRUN sleep 0.3; echo why; exit 1');
    const there = terminal('build', '--progress', 'tty', '-f', 'loud', '--on-error', 'shell', '.');
    await there.until(/exit code 1\r\n +why\r\n[^]*# /);
    there.type('exit\r');
    expect(await there.end()).toMatchObject({ status: 4, restored: true });
  });

  test('is refused before anything is built where nobody could use it', async () => {
    const { exitCode, stderr } = await tsbuild([...build, '--on-error', 'shell'], { env, cwd: place });
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^error\[USAGE\]: cannot use --on-error "shell": standard input is no terminal/),
    });
  });
});

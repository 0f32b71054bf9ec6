import { execFileSync, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { requirement } from '../support/require.js';
import { tsbuild, type CliResult } from '../support/tsbuild.js';

let root: string;
let template: string;
let directory: string;
let store: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-bad-input-'));
  template = join(root, 'template');
  const { exitCode, stderr } = await tsbuild(['--store', template, 'bootstrap', '-t', 'base']);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach((context) => {
  directory = join(root, context.task.id);
  store = `${directory}.store`;
  mkdirSync(directory);
  cpSync(template, store, { recursive: true });
});

const run = (args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> =>
  tsbuild(args, { env: { TSBUILD_STORE: store, ...env }, cwd: directory });

async function build(dockerfile: string | Buffer, ...args: readonly string[]): Promise<CliResult> {
  writeFileSync(join(directory, 'Dockerfile'), dockerfile);
  return run(['-t', 'x', '--progress', 'plain', '.', ...args]);
}

/** All that a failed command may not have changed. */
function storeFiles(): readonly string[] {
  return readdirSync(store, { recursive: true, encoding: 'utf8' })
    .filter((path) => /^(index\.json|blobs\/|tmp\/)/.test(path))
    .sort();
}

describe('a Dockerfile that is', () => {
  test('missing: says what was looked for, and what is near', async () => {
    writeFileSync(join(directory, 'Dockerfile.dev'), 'FROM base\n');
    const { exitCode, stderr } = await run(['-t', 'x', '.']);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^error\[DOCKERFILE_NOT_FOUND\]: cannot find a Dockerfile/m);
    expect(stderr).toContain('Dockerfile.dev');
  });

  test.each([
    ['empty', '', 'DOCKERFILE_SYNTAX'],
    ['comments only', '# nothing\n', 'DOCKERFILE_SYNTAX'],
    ['binary', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1]), 'DOCKERFILE_NOT_FOUND'],
  ])('%s', async (_, text, code) => {
    const { exitCode, stdout, stderr } = await build(text);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(new RegExp(`^error\\[${code}\\]`, 'm'));
    expect(stderr).toMatch(/^hint: /m);
    expect(stdout).toBe('');
  });

  test('a directory', async () => {
    mkdirSync(join(directory, 'Dockerfile'));
    const { exitCode, stderr } = await run(['-t', 'x', '.']);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('it is a folder');
  });

  test('wrong: shows the line and a suggestion', async () => {
    const { exitCode, stderr } = await build('FROM base\nRNU echo hi\n');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('Dockerfile:2:1');
    expect(stderr).toContain('2 | RNU echo hi');
    expect(stderr).toContain('Did you mean RUN?');
  });
});

describe('a base image that', () => {
  test('does not exist: names the registries asked', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const before = storeFiles();
    const { exitCode, stderr } = await build(`FROM 127.0.0.1:${port}/no/such:1\nRUN true\n`);
    server.close();
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/^error\[IMAGE_NOT_FOUND\]/m);
    expect(stderr).toContain(`127.0.0.1:${port}`);
    expect(stderr).toContain('Dockerfile:1:6');
    expect(storeFiles()).toEqual(before);
  });

  test('is in a registry that refuses: names the URL', async () => {
    const { exitCode, stderr } = await build('FROM 127.0.0.1:1/x\n');
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/^error\[REGISTRY_UNREACHABLE\]/m);
    expect(stderr).toContain('127.0.0.1:1');
  });
});

describe('a COPY of something', () => {
  test('missing', async () => {
    writeFileSync(join(directory, 'main.ts'), '');
    const { exitCode, stderr } = await build('FROM base\nCOPY mian.ts /x\n');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('cannot copy "mian.ts": not found in the build context');
    expect(stderr).toContain('Did you mean "main.ts"?');
    expect(stderr).toContain('Dockerfile:2:6');
  });

  test('ignored', async () => {
    writeFileSync(join(directory, 'secret'), '');
    writeFileSync(join(directory, '.dockerignore'), 'secret\n');
    const { exitCode, stderr } = await build('FROM base\nCOPY secret /x\n');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('"secret" leaves it out of the build context');
    expect(stderr).toMatch(/line 1 of .*\.dockerignore/);
  });
});

describe('a RUN that', () => {
  test('fails: command, exit code, line and last output; nothing is named or left', async () => {
    const before = storeFiles();
    const { exitCode, stdout, stderr } = await build('FROM base\nRUN echo before; echo oops >&2; exit 7\n');
    expect(exitCode).toBe(4);
    expect(stdout).toBe('');
    expect(stderr).toContain('cannot run "echo before; echo oops >&2; exit 7": exit code 7');
    expect(stderr).toContain('Dockerfile:2:1');
    expect(stderr).toMatch(/oops/);
    expect(storeFiles()).toEqual(before);
  });

  test('is interrupted: 130, no process, mount or temporary file is left', async () => {
    writeFileSync(join(directory, 'Dockerfile'), 'FROM base\nRUN echo started; sleep 4242 & sleep 4242\n');
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
    const before = storeFiles();
    const { exitCode } = await tsbuild(['-t', 'x', '--progress', 'plain', '.'], {
      env: { TSBUILD_STORE: store },
      cwd: directory,
      interruptAt: /\d started/,
    });
    expect(exitCode).toBe(130);
    expect(storeFiles()).toEqual(before);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(mounts);
    expect(execFileSync('ps', ['-eo', 'args']).toString()).not.toContain('sleep 4242');
  });

  test('names a program that is not there', async () => {
    const { exitCode, stderr } = await build('FROM base\nRUN no-such-program\n');
    expect(exitCode).toBe(4);
    expect(stderr).toContain('exit code 127');
    expect(stderr).toMatch(/^hint: The image has no "no-such-program": install it in a step above/m);
  });
});

describe('an archive that is', () => {
  beforeEach(async () => {
    expect((await run(['save', '-o', 'image.tar', 'base'])).exitCode).toBe(0);
    rmSync(store, { recursive: true });
    await run(['images']);
  });

  test.each([0.1, 0.5, 0.9])('cut off at %d of its length: the store is as before', async (part) => {
    const before = storeFiles();
    const file = join(directory, 'image.tar');
    truncateSync(file, Math.floor(readFileSync(file).length * part));
    const { exitCode, stderr } = await run(['load', '-i', 'image.tar']);
    expect(exitCode).toBe(6);
    expect(stderr).toContain(`error[ARCHIVE_INVALID]: cannot read archive "${file}": `);
    expect(storeFiles()).toEqual(before);
  });

  test('lying about a digest', async () => {
    const before = storeFiles();
    const file = join(directory, 'image.tar');
    const bytes = readFileSync(file);
    bytes.write('X', Math.floor(bytes.length / 2));
    writeFileSync(file, bytes);
    const { exitCode, stderr } = await run(['load', '-i', 'image.tar']);
    expect(exitCode).toBe(6);
    expect(stderr).toMatch(/^error\[(DIGEST_MISMATCH|ARCHIVE_INVALID)\]/m);
    expect(storeFiles()).toEqual(before);
  });

  test('missing', async () => {
    const { exitCode, stderr } = await run(['load', '-i', 'none.tar']);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('none.tar');
  });
});

test('a store made by a newer version is refused, both versions named', async () => {
  writeFileSync(join(store, 'version'), '999\n');
  const { exitCode, stderr } = await run(['images']);
  expect(exitCode).toBe(8);
  expect(stderr).toMatch(/^error\[STORE_INVALID\].*999/m);
});

const root_ = requirement('root', process.getuid?.() === 0 && existsSync('/usr/bin/unshare'), 'mounts a small disk');
test.skipIf(root_.skip)(`a full disk is said so, and nothing half-written is left (${root_.reason})`, async () => {
  writeFileSync(join(directory, 'Dockerfile'), 'FROM base\nRUN head -c 60000000 /dev/zero > /big\n');
  const cli = join(import.meta.dirname, '../../dist/bin/tsbuild.js');
  const script = `
    mkdir small && mount -t tmpfs -o size=64m none small && cp -a "$TEMPLATE" small/store
    "$NODE" "$CLI" --store small/store -t x --progress plain . 2> err.txt; echo $? > code.txt
    cat small/store/index.json > index.txt; ls small/store/tmp > tmp.txt 2>/dev/null; umount small`;
  const env = { ...process.env, TEMPLATE: template, NODE: process.execPath, CLI: cli };
  execFileSync('unshare', ['-m', 'sh', '-c', script], { cwd: directory, env });
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  expect(read('err.txt')).toMatch(/no space|No space|disk is full|DISK_FULL/);
  expect(['4', '8']).toContain(read('code.txt').trim());
  expect(read('index.txt')).toBe(readFileSync(join(template, 'index.json'), 'utf8'));
  expect(read('tmp.txt')).toBe('');
});

const user = requirement(
  'root',
  process.getuid?.() === 0 && existsSync('/usr/bin/unshare'),
  'only root can take the right away',
);
test.skipIf(user.skip)(`where user namespaces are forbidden the setting is named (${user.reason})`, () => {
  writeFileSync(join(directory, 'Dockerfile'), 'FROM base\nRUN true\n');
  execFileSync('chown', ['-R', '65534:65534', store, directory]);
  execFileSync('chmod', ['755', root]);
  const cli = join(import.meta.dirname, '../../dist/bin/tsbuild.js');
  // The kernel refuses a user namespace to a process whose root is not its mount namespace's (unshare(2), EPERM).
  const script = `
    mkdir other && mount --rbind / other
    exec chroot other setpriv --reuid 65534 --regid 65534 --clear-groups "$NODE" "$CLI" --store "$STORE" -t x "$DIRECTORY"`;
  const env = {
    PATH: process.env['PATH'],
    HOME: directory,
    NODE: process.execPath,
    CLI: cli,
    STORE: store,
    DIRECTORY: directory,
  };
  const { status, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script], {
    cwd: directory,
    env,
    encoding: 'utf8',
  });
  expect(stderr).toMatch(/error\[SANDBOX_UNAVAILABLE\]/);
  expect(stderr).toMatch(/^hint: /m);
  expect(status).toBe(5);
});

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { tarOf } from '../support/archive-builder.js';
import { requirement } from '../support/require.js';
import { hasTools } from '../support/tools.js';

// RUN with all that it can be given, by the built command line, as this user and as one with a single id.

const CLI = fileURLToPath(new URL('../../dist/bin/tsbuild.js', import.meta.url));
/** Of 1024 zero bytes: a layer without any file. */
const EMPTY_LAYER = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';
const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
const hasSsh = hasTools('ssh-agent', 'ssh-add', 'ssh-keygen');

interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

interface Call {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly signalAt?: RegExp;
}

/** One who builds: with a store and a context of their own. */
class Builder {
  readonly home: string;
  readonly context: string;
  readonly #prefix: readonly string[];

  constructor(prefix: readonly string[]) {
    this.#prefix = prefix;
    this.home = mkdtempSync(join(tmpdir(), 'tsbuild-mounts-'));
    this.context = join(this.home, 'context');
    mkdirSync(this.context);
    for (const path of [this.home, this.context]) this.own(path, 0o755);
  }

  own(path: string, mode: number): void {
    chmodSync(path, mode);
    if (this.#prefix.length > 0) chownSync(path, NOBODY, NOBODY);
  }

  write(path: string, content: string, mode = 0o644): void {
    const full = join(this.home, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
    this.own(full, mode);
  }

  async run(args: readonly string[], { env = {}, input = '', signalAt }: Call = {}): Promise<Outcome> {
    const [file = '', ...rest] = [...this.#prefix, process.execPath, CLI, ...args];
    const child = spawn(file, rest, {
      cwd: this.context,
      env: { PATH: process.env['PATH'], HOME: this.home, TSBUILD_STORE: this.store, ...env },
      stdio: 'pipe',
    });
    let output = '';
    let signalled = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (signalled || signalAt?.test(output) !== true) return;
        signalled = true;
        child.kill('SIGINT');
      });
    }
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, output };
  }

  /** Builds `FROM base` and these lines. */
  build(lines: string, args: readonly string[] = [], call: Call = {}): Promise<Outcome> {
    const input = lines.includes('FROM base') ? lines : `FROM base\n${lines}`;
    return this.run(['--progress', 'plain', '-t', 'x', '-f', '-', ...args, '.'], { ...call, input });
  }

  async succeed(lines: string, args: readonly string[] = [], call: Call = {}): Promise<string> {
    const { status, output } = await this.build(lines, args, call);
    expect(output, output).not.toMatch(/^error/m);
    expect(status).toBe(0);
    return output;
  }

  /** The diffId of the image's last layer, and its history. */
  async image(): Promise<{ readonly last: string | undefined; readonly history: readonly string[] }> {
    const { output } = await this.run(['inspect', 'x']);
    const [details] = JSON.parse(output) as [{ RootFS: { Layers: string[] } }];
    const history = (await this.run(['history', '--no-trunc', 'x'])).output.trim().split('\n').slice(1);
    return { last: details.RootFS.Layers.at(-1), history };
  }

  get store(): string {
    return join(this.home, 'store');
  }

  /** The files of the store, and of the context, that hold a text. */
  holding(text: string): readonly string[] {
    const { stdout } = spawnSync('grep', ['-rlaF', text, this.store, this.context], { encoding: 'utf8' });
    return stdout.split('\n').filter((line) => line !== '');
  }

  dispose(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** A file of a process in /proc; nothing for one that is gone, or another's. */
function readProcess(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** What a step printed, without times and step numbers. */
function printed(output: string): readonly string[] {
  return output.split('\n').flatMap((line) => /^#\d+ \d+\.\d+ (.*)$/.exec(line)?.[1] ?? []);
}

const single = requirement('root', isRoot && hasTools('setpriv'), 'only root can become another user, with setpriv');
const USERS = [
  { name: 'as this user', prefix: [] as string[], skip: false },
  {
    name: `as a user with one id (${single.reason})`,
    prefix: ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'],
    skip: single.skip,
  },
];

describe.each(USERS)('$name', ({ prefix, skip }) => {
  let builder: Builder;
  beforeAll(async () => {
    if (skip) return;
    builder = new Builder(prefix);
    const include = hasSsh ? ['--include', 'ssh-add'] : [];
    expect((await builder.run(['bootstrap', '-t', 'base', ...include])).status).toBe(0);
  });
  afterAll(() => {
    if (!skip) builder.dispose();
  });
  beforeEach((context) => {
    if (skip) context.skip('this machine lets nobody become another user');
    for (const name of readdirSync(builder.context)) rmSync(join(builder.context, name), { recursive: true });
    builder.write('context/file', 'content\n');
  });

  test('pitfall 44, 45, 50: mount points leave nothing, and a RUN that changes nothing makes an empty layer', async () => {
    const mounts = [
      'type=cache,target=/no/such/cache',
      'type=bind,target=/was/not/there',
      'source=file,target=/neither/this/file',
      'type=tmpfs,target=/t/t',
      'type=secret,id=s,target=/x/y/s',
    ];
    const flags = mounts.map((mount) => `--mount=${mount}`).join(' ');
    await builder.succeed(`RUN ${flags} test -f /x/y/s && echo changed >> /etc/hosts || true\n`, [
      '--secret',
      'id=s,src=file',
    ]);
    const { last, history } = await builder.image();
    expect(last).toBe(EMPTY_LAYER);
    expect(history[0]).toContain('RUN /bin/sh -c test -f /x/y/s');
    expect(history[0]).not.toContain('mount');
  });

  test('pitfall 46, 117: a cache begins with what it is from, once, and outlives builds, --no-cache and rmi', async () => {
    const lines = `
FROM base AS seed
RUN mkdir -m 700 /seed && echo seed > /seed/f
FROM base
RUN --mount=type=cache,id=seeded,from=seed,source=/seed,target=/c cat /c/f; stat -c '%a %u' /c; printf 'xq7%s\\n' more >> /c/f
`;
    expect(printed(await builder.succeed(lines))).toEqual(['seed', '700 0']);
    expect(printed(await builder.succeed(lines, ['--no-cache']))).toEqual(['seed', 'xq7more', '700 0']);
    expect((await builder.run(['rmi', 'x'])).status).toBe(0);
    expect(printed(await builder.succeed(lines, ['--no-cache'])).slice(0, 3)).toEqual(['seed', 'xq7more', 'xq7more']);
    expect(builder.holding('xq7more').filter((path) => !path.includes('/cache-mounts/'))).toEqual([]);
  });

  test('a cache is read-only where it is asked for, and apart by its namespace', async () => {
    const lines = 'RUN --mount=type=cache,id=ns,target=/c ls /c; echo x > /c/made\n';
    expect(printed(await builder.succeed(lines, ['--build-arg', 'BUILDKIT_CACHE_MOUNT_NS=a']))).toEqual([]);
    expect(printed(await builder.succeed(lines, ['--no-cache', '--build-arg', 'BUILDKIT_CACHE_MOUNT_NS=a']))).toEqual([
      'made',
    ]);
    expect(printed(await builder.succeed(lines, ['--no-cache']))).toEqual([]);
    const reading = 'RUN --mount=type=cache,id=ns,target=/c,ro ls /c; touch /c/n 2>&1 | grep -o "Read-only.*"\n';
    expect(printed(await builder.succeed(reading))).toEqual(['made', 'Read-only file system']);
  });

  test('a cache is exported, pruned, imported, and as it was: to the byte', async () => {
    const make = `cd /c; echo kept > f; ln f g; ln -s f l; mkdir -m 711 d; chown 7:8 d; touch -d '2001-02-03 04:05:06.123456789' f`;
    const see = `cd /c; cat g; stat -c '%n %a %u %g %h %i' . f g d | sed "s/ $(stat -c %i f)$/ same/; s/ [0-9]*$//"; stat -c %y f; readlink l`;
    const build = async (script: string): Promise<readonly string[]> => {
      const mount = '--mount=type=cache,id=moved,target=/c,mode=0750';
      return printed(await builder.succeed(`RUN ${mount} ${script}\n`, ['--no-cache']));
    };
    await build(make);
    const before = await build(see);
    expect(before).toEqual(
      expect.arrayContaining([
        'kept',
        '. 750 0 0 3',
        'f 644 0 0 2 same',
        'g 644 0 0 2 same',
        `d 711 ${prefix.length > 0 ? '0 0' : '7 8'} 2`,
        'f',
      ]),
    );
    expect(before.join()).toContain(':06.123456789');
    const archive = (name: string): Buffer => readFileSync(join(builder.home, name));
    expect((await builder.run(['cache-mount', 'export', 'moved', '-o', '../one.tar'])).output).toBe('');
    expect((await builder.run(['prune', '--cache-mounts', '-f'])).status).toBe(0);
    expect((await builder.run(['cache-mount', 'export', 'moved', '-o', '../none.tar'])).output).toContain(
      'there is none',
    );
    expect(existsSync(join(builder.home, 'none.tar'))).toBe(false);
    const imported = await builder.run(['cache-mount', 'import', 'moved', '-i', '../one.tar']);
    expect(imported).toEqual({ status: 0, output: '' });
    expect(await build(see)).toEqual(before);
    expect((await builder.run(['cache-mount', 'export', 'moved', '-o', '../two.tar'])).status).toBe(0);
    expect(archive('two.tar').equals(archive('one.tar'))).toBe(true);
    expect((await builder.run(['cache-mount', 'ls'])).output).toMatch(
      /^moved +5B +(Less than a second|\d+ seconds?) ago$/m,
    );
  });

  test('an archive that leads out of its cache, or is cut off, changes nothing', async () => {
    const lines = 'RUN --mount=type=cache,id=held,target=/c ls /c; echo x > /c/old\n';
    await builder.succeed(lines, ['--no-cache']);
    const hostile = await tarOf([
      ['new', 'x'],
      ['up', { symlink: '/' }],
      ['up/../../../../../escaped', 'x'],
      ['../../escaped', 'x'],
    ]);
    const whole = await tarOf([['new', 'x'.repeat(600)]]);
    for (const bytes of [hostile, whole.subarray(0, 700), Buffer.from('no archive '.repeat(100))]) {
      writeFileSync(join(builder.home, 'bad.tar'), bytes, { mode: 0o644 });
      const { status, output } = await builder.run(['cache-mount', 'import', 'held', '-i', '../bad.tar']);
      expect(output).toContain('error[LAYER_INVALID]: cannot import cache mount "held": ');
      expect(status).toBe(6);
    }
    expect(printed(await builder.succeed(lines, ['--no-cache']))).toEqual(['old']);
    expect(builder.holding('escaped').filter((path) => path.endsWith('/escaped'))).toEqual([]);
    expect(readdirSync(join(builder.store, 'tmp'))).toEqual([]);
  });

  test('pitfall 47: a context is mounted as root sees it, without what is ignored; writes are lost (CVE-2025-4953)', async () => {
    builder.write('context/ignored/f', 'x');
    builder.write('context/dir/script', '#!/bin/sh\necho ran\n', 0o755);
    builder.write('context/.dockerignore', 'ignored\n.dockerignore\n');
    const lines = `
RUN --mount=target=/src ls -A /src; stat -c '%u %a' /src/file; /src/dir/script; touch /src/n 2>&1 | grep -o 'Read-only.*'
RUN --mount=target=/src,rw touch /src/n && echo more >> /src/file && ls /src
RUN --mount=source=dir/script,target=/bin/mine mine
RUN --mount=target=/src,rw ls /src; cat /src/file
`;
    const seen = [
      'dir',
      'file',
      '0 644',
      'ran',
      'Read-only file system',
      'dir',
      'file',
      'n',
      'ran',
      'dir',
      'file',
      'content',
    ];
    expect(printed(await builder.succeed(lines))).toEqual(seen);
    expect(readFileSync(join(builder.context, 'file'), 'utf8')).toBe('content\n');
    expect(readdirSync(builder.context)).not.toContain('n');
    builder.write('context/ignored/f', 'other');
    expect((await builder.succeed(lines)).match(/CACHED/g)).toHaveLength(5);
    builder.write('context/file', 'other\n');
    expect((await builder.succeed(lines)).match(/CACHED/g)).toHaveLength(2);
  });

  test('stages and images are mounted, links in them stay in them (CVE-2024-1753)', async () => {
    const lines = `
FROM base AS tools
RUN mkdir /t && echo tool > /t/f && ln -s / /up && ln -s /t /link && ln -s ../../../../../../t /far
FROM base
RUN --mount=from=tools,source=/link,target=/m --mount=from=tools,source=far/f,target=/f cat /m/f /f
RUN --mount=from=tools,source=/up,target=/m,rw ls -d /m/t && rm -r /m/t && ls /m/t 2>/dev/null || echo gone
RUN --mount=from=base,target=/m ls -d /m/etc
RUN --mount=from=tools,source=t,target=/m cat /m/f
`;
    expect(printed(await builder.succeed(lines))).toEqual(['tool', 'tool', '/m/t', 'gone', '/m/etc', 'tool']);
  });

  test('pitfall 48, 49: a secret is there for its step, and nowhere else; another value does not run it again', async () => {
    const canary = `canary-${'s3cr3t'.repeat(3)}`;
    const lines = `
RUN --mount=type=secret,id=file,required --mount=type=secret,id=var,env=TOKEN --mount=type=secret,id=none \\
  --mount=type=secret,id=none,env=NONE ls -A /run/secrets; stat -c %a /run/secrets/file; \\
  wc -c < /run/secrets/file; echo "\${#TOKEN} [\${NONE-unset}]"; grep -c TOKEN /proc/self/environ
RUN ls /run/secrets 2>/dev/null; echo "\${TOKEN-unset}"
RUN echo "fails after a secret"; false
`;
    builder.write('secret', canary);
    const args = ['--secret', 'id=file,src=../secret', '--secret', 'id=var,env=MY_TOKEN'];
    const failed = await builder.build(lines, args, { env: { MY_TOKEN: canary } });
    const length = String(canary.length);
    const seen = ['file', '400', length, `${length} []`, '1', 'unset', 'fails after a secret'];
    expect(printed(failed.output)).toEqual(seen);
    expect(failed.output).not.toContain(canary);
    expect(builder.holding(canary)).toEqual([]);
    const other = await builder.build(lines, ['--secret', 'id=file,src=file'], { env: { MY_TOKEN: 'other' } });
    expect(other.output.match(/CACHED/g)).toHaveLength(3);
  });

  test('pitfall 48: a secret that is required and was not given is named, with the line', async () => {
    const { status, output } = await builder.build('RUN --mount=type=secret,id=token,required x\n');
    expect(status).toBe(2);
    expect(output).toContain('error[USAGE]: cannot mount secret "token": the build was not given it\n --> stdin:2:1\n');
    expect(output).toContain('--secret id=token,src=FILE');
  });

  test('a secret from a variable is not in the environment of the process that builds', async () => {
    const canary = `canary-${'v4r'.repeat(5)}`;
    const held: string[] = [];
    const watch = setInterval(() => {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        if (readProcess(pid, 'cmdline').includes('build-worker.js')) held.push(readProcess(pid, 'environ'));
      }
    }, 100);
    const lines = 'RUN --mount=type=secret,id=v,env=V sleep 1; echo ${#V}\n';
    const args = ['--secret', 'id=v,env=MINE'];
    expect(printed(await builder.succeed(lines, args, { env: { MINE: canary } }))).toEqual([String(canary.length)]);
    clearInterval(watch);
    expect(held.filter((environment) => environment.includes(canary))).toEqual([]);
    // Root builds in the process that it started.
    if (prefix.length > 0) expect(held.join('')).toContain('TSBUILD_STORE');
  });

  test('pitfall 42: a step sees the variables of the image and of arguments, and the home of its user', async () => {
    const lines = 'ARG A=1\nENV B=2\nRUN env | grep -v -e ^PWD -e ^SHLVL -e ^_= | sort; uname -n\n';
    expect(printed(await builder.succeed(lines, [], { env: { LEAK: 'x' } }))).toEqual([
      ...['A=1', 'B=2', 'HOME=/root'],
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'buildkitsandbox',
    ]);
  });

  test('pitfall 52: a pipe ends as its last command; an error shows the exit code and the lines', async () => {
    expect(await builder.succeed('RUN false | true\n')).toContain('built)');
    const { status, output } = await builder.build('RUN true && \\\n  exit 7\n');
    expect(status).toBe(4);
    expect(output).toContain('exit code 7\n --> stdin:2:1\n');
    const strict = 'SHELL ["/bin/sh", "-ec"]\nRUN <<EOF\nfalse\ntrue\nEOF\n';
    expect((await builder.build(strict)).output).toContain('exit code 1');
  });

  test('pitfall 53, 54, 55: input is empty, the umask is 022, heredocs are scripts', async () => {
    const lines = `
RUN cat; umask; pwd
RUN <<EOF
echo "one $0"
echo two
EOF
RUN <<PROGRAM
#!/bin/sh -e
echo "three $0"
PROGRAM
RUN cat <<INNER && echo end
four
INNER
`;
    expect(printed(await builder.succeed(lines))).toEqual([
      ...['0022', '/', 'one /bin/sh', 'two', 'three /dev/pipes/PROGRAM', 'four', 'end'],
    ]);
  });

  test('hosts, limits, shared memory and a host name are as the command line says', async () => {
    const args = ['--add-host', 'db.test:192.0.2.9', '--ulimit', 'nofile=60:70', '--shm-size', '1m'];
    const lines = `
RUN grep db.test /etc/hosts; ulimit -n; ulimit -Hn; df -k /dev/shm | tail -1 | tr -s ' ' | cut -d ' ' -f 2; hostname 2>/dev/null || uname -n
`;
    const seen = printed(await builder.succeed(lines, [...args, '--build-arg', 'BUILDKIT_SANDBOX_HOSTNAME=builder']));
    expect(seen).toEqual(['192.0.2.9\tdb.test', '60', '70', '1024', 'builder']);
    const { status, output } = await builder.build(lines, ['--ulimit', 'nofile=1:99999999999']);
    expect(status).toBe(2);
    expect(output).toContain('error[USAGE]: cannot give steps limit "nofile": 99999999999 is above the ');
  });

  test('a device of a specification, with leave', async () => {
    const device = {
      name: 'zero',
      containerEdits: { env: ['D=1'], deviceNodes: [{ path: '/dev/z', hostPath: '/dev/zero' }] },
    };
    const specification = { cdiVersion: '0.6.0', kind: 'test.dev/d', devices: [device] };
    builder.write('cdi/x.json', JSON.stringify(specification));
    const lines = 'RUN --device=test.dev/d=zero head -c 4 /dev/z | wc -c; echo $D; stat -c %t:%T /dev/z\n';
    const args = ['--cdi-config-dir', '../cdi'];
    expect(printed(await builder.succeed(lines, [...args, '--allow', 'device=test.dev/d']))).toEqual(['4', '1', '1:5']);
    const refused = await builder.build(lines, [...args, '--no-cache']);
    expect(refused.output).toContain('cannot give device "test.dev/d=zero": the build is not allowed to use it');
  });

  test('devices that the command line gives every step, without more leave', async () => {
    const device = {
      name: 'all',
      containerEdits: { env: ['GPUS=all'], deviceNodes: [{ path: '/dev/gpu0', hostPath: '/dev/zero' }] },
    };
    const specification = { cdiVersion: '0.6.0', kind: 'nvidia.com/gpu', devices: [device] };
    builder.write('cdi/gpu.json', JSON.stringify(specification));
    const lines = 'RUN head -c 4 /dev/gpu0 | wc -c; echo $GPUS; stat -c %t:%T /dev/given\n';
    const args = ['--cdi-config-dir', '../cdi', '--device', 'nvidia.com/gpu=all', '--device', '/dev/null:/dev/given'];
    expect(printed(await builder.succeed(lines, args))).toEqual(['4', 'all', '1:3']);
    const refused = await builder.build(lines, ['--device', 'gpu']);
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.output).toContain('cannot use --device "gpu": neither a path nor the name of a device');
  });

  test('CVE-2024-23653: a step without walls needs leave, and has them not', async () => {
    const lines =
      'RUN --security=insecure mount -t tmpfs x /mnt 2>&1; grep Seccomp: /proc/self/status | tr "\\t" " "\n';
    const refused = await builder.build(lines);
    expect(refused).toMatchObject({ status: 3 });
    expect(refused.output).toContain('the build does not allow security.insecure');
    expect(printed(await builder.succeed(lines, ['--allow', 'security.insecure'])).at(-1)).toBe('Seccomp: 0');
  });

  test('two builds that share a locked cache wait for each other', async () => {
    const lines = (name: string): string =>
      `RUN --mount=type=cache,id=count,target=/c,sharing=locked echo ${name}; n=$(cat /c/n 2>/dev/null || echo 0); sleep 1; echo $((n + 1)) > /c/n\n`;
    await Promise.all(['a', 'b', 'c'].map((name) => builder.succeed(lines(name))));
    expect(printed(await builder.succeed('RUN --mount=type=cache,id=count,target=/c cat /c/n\n'))).toEqual(['3']);
  });

  test('Ctrl-C in a step with a locked cache leaves no lock, no process and nothing unfinished', async () => {
    const lines = 'RUN --mount=type=cache,id=stopped,target=/c,sharing=locked echo waiting; sleep 613\n';
    const stopped = await builder.build(lines, [], { signalAt: /\d waiting/ });
    expect(stopped.status).toBe(130);
    expect(spawnSync('pgrep', ['-f', '^sleep 613']).status).not.toBe(0);
    expect(printed(await builder.succeed(lines.replace('; sleep 613', '')))).toEqual(['waiting']);
    expect(readdirSync(join(builder.store, 'tmp'))).toEqual([]);
  });

  test('prune shows and removes caches, whoever owns their files', async () => {
    await builder.succeed(
      'RUN --mount=type=cache,target=/pruned mkdir -p -m 0 /pruned/closed; head -c 5000 /dev/zero > /pruned/f\n',
    );
    const shown = await builder.run(['prune', '--cache-mounts', '--dry-run']);
    expect(shown.output).toMatch(/^cache mount +\/pruned +5kB$/m);
    expect(shown.output).toMatch(/^Total reclaimable space: /m);
    const removed = await builder.run(['prune', '--cache-mounts']);
    expect(removed.output.replace('reclaimed', 'reclaimable')).toBe(shown.output);
    expect(await builder.run(['prune', '--cache-mounts'])).toEqual({
      status: 0,
      output: 'Total reclaimed space: 0B\n',
    });
  });

  describe.skipIf(!hasSsh)('ssh (needs openssh-client)', () => {
    function makeKey(name: string): string {
      const file = join(builder.home, name);
      rmSync(file, { force: true });
      expect(spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]).status).toBe(0);
      for (const path of [file, `${file}.pub`]) builder.own(path, 0o600);
      return file;
    }

    const LINES = 'RUN --mount=type=ssh echo $SSH_AUTH_SOCK; ssh-add -l | cut -d " " -f 3; ssh-add -D 2>&1\n';

    test('keys of files are seen and never given away', async () => {
      const key = makeKey('key-file');
      const output = await builder.succeed(LINES.replace('ssh-add -D', 'ls /run/buildkit; ! ssh-add -D'), [
        ...['--ssh', `default=${key}`],
      ]);
      expect(printed(output).slice(0, 3)).toEqual(['/run/buildkit/ssh_agent.0', 'key-file', 'ssh_agent.0']);
      const [secret = ''] = readFileSync(key, 'utf8').split('\n').slice(2);
      expect(builder.holding(secret)).toEqual([]);
    });

    test('a real agent answers, and keeps its keys; without one it is said', async () => {
      const socket = join(builder.home, 'agent');
      const [file = '', ...rest] = [...prefix, 'ssh-agent', '-D', '-a', socket];
      const agent = spawn(file, rest, { stdio: 'ignore' });
      try {
        await expect.poll(() => existsSync(socket)).toBe(true);
        const env = { SSH_AUTH_SOCK: socket };
        const key = makeKey('in-agent');
        const [add = '', ...args] = [...prefix, 'ssh-add', '-q', key];
        expect(spawnSync(add, args, { env: { PATH: process.env['PATH'], ...env } }).status).toBe(0);
        const lines = `${LINES.trim()} || true\n`;
        expect(printed(await builder.succeed(lines, ['--ssh', 'default'], { env }))).toContain('in-agent');
        expect(printed(await builder.succeed(lines, ['--no-cache', '--ssh', 'default'], { env }))).toContain(
          'in-agent',
        );
      } finally {
        agent.kill();
        await once(agent, 'exit');
      }
      const missing = await builder.build('RUN --mount=type=ssh,required true\n');
      expect(missing.output).toContain('cannot mount ssh agent "default": the build was not given it');
      expect(
        printed(await builder.succeed('RUN --mount=type=ssh echo "$SSH_AUTH_SOCK"; ls /run 2>/dev/null\n')),
      ).toEqual(['/run/buildkit/ssh_agent.0']);
    });
  });
});

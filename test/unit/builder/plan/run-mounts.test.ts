import { describe, expect, test } from 'vitest';
import type { ParseWarning } from '../../../../src/parser/instruction.js';
import type { RunOperation } from '../../../../src/builder/operation.js';
import { historyLines, planError, planText, runs, vertices, type PlanTextOptions } from './plan-text.js';

async function planRun(lines: string, options: PlanTextOptions = {}): Promise<RunOperation> {
  const run = runs(await planText(`FROM busybox\n${lines}\n`, options)).at(-1);
  if (run === undefined) throw new Error('no RUN');
  return run;
}

const OWNER = { uid: 0, gid: 0 };

describe('RUN --mount', () => {
  test.each([
    ['target=/a', { type: 'bind', target: '/a', input: 1, path: '', readonly: true }],
    ['type=bind,source=x/../../y/,target=b/./c,rw', { target: '/w/b/c', path: 'y', readonly: false }],
    ['type=cache,target=/a', { type: 'cache', id: '//a', sharing: 'shared', readonly: false, ...OWNER, mode: 0o755 }],
    ['type=cache,target=c,id=i,sharing=locked,uid=5,mode=700,ro', { target: '/w/c', id: '/i', uid: 5, mode: 0o700 }],
    ['type=cache,target=/a,from=busybox,source=/etc', { from: { input: 1, path: 'etc' } }],
    ['type=tmpfs,target=/t,size=1m', { type: 'tmpfs', target: '/t', sizeBytes: 1 << 20, readonly: false }],
    ['type=secret,id=s', { type: 'secret', id: 's', target: '/run/secrets/s', required: false, ...OWNER, mode: 0o400 }],
    ['type=secret,id=a/s,required', { id: 'a/s', target: '/run/secrets/s', required: true }],
    ['type=secret,id=s,target=x', { target: '/w/x' }],
    ['type=secret,id=s,env=S,target=/x', { env: 'S', target: '/x' }],
    ['type=ssh', { type: 'ssh', id: 'default', target: '/run/buildkit/ssh_agent.0', ...OWNER, mode: 0o600 }],
  ])('%s', async (text, mount) => {
    const run = await planRun(`WORKDIR /w\nRUN --mount=${text} x`);
    expect(run.mounts[0]).toMatchObject(mount);
  });

  test('pitfall 48: a secret for a variable alone makes no file', async () => {
    const run = await planRun('RUN --mount=type=secret,id=s,env=S x');
    expect(run.mounts).toEqual([{ type: 'secret', id: 's', env: 'S', required: false, ...OWNER, mode: 0o400 }]);
  });

  test('what several mounts take from one place is one input', async () => {
    const text =
      'FROM busybox AS a\nRUN a\nFROM busybox\nRUN --mount=target=/1 --mount=from=a,target=/2 --mount=target=/3 --mount=from=a,target=/4 x\n';
    const vertex = vertices(await planText(text)).at(-1);
    expect(vertex?.inputs).toHaveLength(3);
    expect(vertex?.operation).toMatchObject({ mounts: [{ input: 1 }, { input: 2 }, { input: 1 }, { input: 2 }] });
  });

  test('an agent is announced, unless the image says where it is', async () => {
    const two = '--mount=type=ssh,id=a --mount=type=ssh,id=b,target=/s --mount=type=ssh,id=c';
    const run = await planRun(`RUN ${two} x`);
    expect(run.mounts.map(({ target }) => target)).toEqual([
      '/run/buildkit/ssh_agent.0',
      '/s',
      '/run/buildkit/ssh_agent.2',
    ]);
    expect(run.env).toContain('SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0');
    const own = await planRun(`ENV SSH_AUTH_SOCK=/mine\nRUN --mount=type=ssh x`);
    expect(own.env.filter((entry) => entry.startsWith('SSH'))).toEqual(['SSH_AUTH_SOCK=/mine']);
  });

  test('caches of a namespace are apart', async () => {
    const run = await planRun('RUN --mount=type=cache,target=/a x', { buildArgs: { BUILDKIT_CACHE_MOUNT_NS: 'ci' } });
    expect(run.mounts[0]).toMatchObject({ id: 'ci//a' });
  });

  test.each([
    ['RUN --mount=target=/ x', 'its target is the root'],
    ['RUN --mount=target=a/../.. x', 'its target is the root'],
    ['RUN --mount=type=secret,id=s,target=/. x', 'its target is the root'],
    ['RUN --mount=type=cache,target=/a,source=/b x', '"/b" is in no source'],
  ])('%s is refused', async (line, state) => {
    const error = await planError(`FROM busybox\n${line}\n`);
    expect(error).toMatchObject({ code: 'DOCKERFILE_SEMANTICS', source: { start: { line: 2 } } });
    expect(error.message).toContain(state);
    expect(error.hint).toMatch(/\.$/);
  });

  test('options that mean nothing are told', async () => {
    const warnings: ParseWarning[] = [];
    await planRun('RUN --mount=type=tmpfs,target=/a,id=b,from=busybox x', {
      warnings,
    });
    const own = warnings.filter(({ rule }) => rule === 'tsbuild/FlagWithoutEffect');
    expect(own.map(({ message }) => message)).toEqual(['id and from mean nothing for a mount of type tmpfs']);
  });
});

describe('heredocs', () => {
  test('pitfall 55: a script is for the shell, and its text is in the history', async () => {
    const plan = await planText('FROM busybox\nSHELL ["/bin/ash", "-ec"]\nRUN <<EOF\na $B\nEOF\n');
    expect(runs(plan)[0]).toMatchObject({ argv: ['/bin/ash', '-ec', 'a $B\n'], mounts: [] });
    expect(historyLines(plan).at(-1)).toBe('layer: RUN /bin/ash -ec a $B\n # buildkit');
  });

  test('pitfall 55: one that names its interpreter is a file to run, and its name is in the history', async () => {
    const plan = await planText('FROM busybox\nRUN <<-PY\n\t#!/usr/bin/python3\n\tprint(1)\n\tPY\n');
    const target = '/dev/pipes/PY';
    expect(runs(plan)[0]).toMatchObject({
      argv: ['/bin/sh', '-c', target],
      mounts: [{ type: 'file', target, content: '#!/usr/bin/python3\nprint(1)\n', mode: 0o755 }],
    });
    expect(historyLines(plan).at(-1)).toBe(`layer: RUN /bin/sh -c ${target} # buildkit`);
  });
});

describe('what a build gives to its steps', () => {
  test('a host name, hosts, limits, the size of /dev/shm; nothing where nothing is given', async () => {
    const given = {
      buildArgs: { BUILDKIT_SANDBOX_HOSTNAME: 'h' },
      hosts: [{ name: 'a', address: '192.0.2.1' }],
      limits: [{ name: 'nofile', soft: 1, hard: 2 }],
      shmSizeBytes: 5,
    };
    const { hosts, limits } = given;
    expect(await planRun('RUN x', given)).toMatchObject({
      hostname: 'h',
      hosts,
      limits,
      mounts: [{ type: 'tmpfs', target: '/dev/shm', sizeBytes: 5, readonly: false }],
    });
    const plain = await planRun('RUN x');
    expect(plain.mounts).toEqual([]);
    for (const name of ['hostname', 'hosts', 'limits']) expect(plain).not.toHaveProperty(name);
  });

  test('devices are passed on', async () => {
    expect((await planRun('RUN --device=a.b/c=d,required x')).devices).toEqual([{ name: 'a.b/c=d', required: true }]);
  });

  test('CVE-2024-23653: --security=insecure needs leave', async () => {
    const line = 'RUN --security=insecure x';
    const error = await planError(`FROM busybox\n${line}\n`, { entitlements: ['network.host', 'device'] });
    expect(error).toMatchObject({
      code: 'DOCKERFILE_SEMANTICS',
      message: 'cannot run "RUN --security=insecure x": the build does not allow security.insecure',
    });
    expect((await planRun(line, { entitlements: ['security.insecure'] })).security).toBe('insecure');
    expect((await planRun('RUN x', { entitlements: ['security.insecure'] })).security).toBe('sandbox');
  });

  test('--network=host needs leave where the build has no network', async () => {
    const entitlements = ['network.host'];
    expect((await planRun('RUN --network=host x', { network: 'none', entitlements })).network).toBe('host');
  });
});

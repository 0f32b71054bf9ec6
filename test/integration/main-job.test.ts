import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debianLayout } from '../support/debian-base.js';
import { startDockerRegistry } from '../support/docker-registry.js';
import { requirement } from '../support/require.js';
import { tsbuild } from '../support/tsbuild.js';
import { hasTools } from '../support/tools.js';

const run = promisify(execFile);
const DOCKERFILE = `FROM tensorflow/tensorflow
RUN apt update
RUN apt install -y sudo vim
RUN addgroup --gid 1000 gusers
RUN adduser  --uid 1000 --gid 1000 --disabled-password -gecos '' myid-yo
RUN adduser myid-yo sudo
USER myid-yo
`;
const tools = requirement(
  'docker-registry',
  process.getuid?.() === 0 && hasTools('docker-registry', 'skopeo', 'umoci', 'debootstrap'),
  'needs root and docker-registry, skopeo, umoci, debootstrap',
);
const docker = requirement('docker', process.env['DOCKER_HOST'] !== undefined, 'DOCKER_HOST names no daemon');
const podman = requirement('podman', hasTools('podman'), 'podman is not installed');

/** The session of the README: a base image through a mirror of docker.io, RUNs with the network, an archive for others. */
describe.skipIf(tools.skip)(`the main job (${tools.reason})`, () => {
  let directory: string;
  let env: Record<string, string>;
  let registry: Awaited<ReturnType<typeof startDockerRegistry>>;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tsbuild-main-job-'));
    registry = await startDockerRegistry();
    const base = `docker://${registry.host}/tensorflow/tensorflow:latest`;
    await run('skopeo', [
      'copy',
      '-q',
      '--insecure-policy',
      '--dest-tls-verify=false',
      `oci:${await debianLayout()}:latest`,
      base,
    ]);
    writeFileSync(
      join(directory, 'registries.conf'),
      `[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "${registry.host}"\ninsecure = true\n`,
    );
    env = { TSBUILD_STORE: join(directory, 'store'), CONTAINERS_REGISTRIES_CONF: join(directory, 'registries.conf') };
    writeFileSync(join(directory, 'dockerfile'), DOCKERFILE);
  }, 600_000);

  afterAll(async () => {
    await registry.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const inDirectory = (...args: string[]) => tsbuild(args, { env, cwd: directory });

  test('builds, with flags after the context too', async () => {
    const { exitCode, stderr } = await inDirectory('-t', 'myid-yo/test', '.', '-f', 'dockerfile', '--iidfile', 'iid');
    expect(stderr).toContain('RUN apt install -y sudo vim');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  });

  test('leaves one layer a step over the base', async () => {
    const { stdout } = await inDirectory('inspect', 'myid-yo/test');
    const [image] = JSON.parse(stdout) as [{ RootFS: { Layers: string[] }; Config: { User: string } }];
    expect(image.RootFS.Layers).toHaveLength(6);
    expect(image.Config.User).toBe('myid-yo');
  });

  test('a second run is all cache and changes nothing', async () => {
    const before = readFileSync(join(directory, 'iid'), 'utf8');
    const { exitCode, stderr } = await inDirectory(
      '-t',
      'myid-yo/test',
      '.',
      '-f',
      'dockerfile',
      '--iidfile',
      'iid',
      '--progress',
      'plain',
    );
    expect(exitCode).toBe(0);
    expect(stderr.match(/CACHED/g)).toHaveLength(6);
    expect(readFileSync(join(directory, 'iid'), 'utf8')).toBe(before);
  });

  test('the archive that save writes has the image, as skopeo reads it', async () => {
    expect((await inDirectory('save', '-o', 'test.tar', 'myid-yo/test')).exitCode).toBe(0);
    const { stdout } = await run('skopeo', ['inspect', '--config', `docker-archive:${join(directory, 'test.tar')}`]);
    expect((JSON.parse(stdout) as { config: { User: string } }).config.User).toBe('myid-yo');
  });

  test.skipIf(docker.skip)(`docker loads and runs it: ${docker.reason}`, async () => {
    const loaded = await run('docker', ['load', '-i', join(directory, 'test.tar')]);
    expect(loaded.stdout).toContain('Loaded image: myid-yo/test:latest');
    try {
      const { stdout } = await run('docker', ['run', '--rm', '--network', 'none', 'myid-yo/test', 'id']);
      expect(stdout).toMatch(/^uid=1000\(myid-yo\) gid=1000\(gusers\) groups=.*\b27\(sudo\)/);
    } finally {
      await run('docker', ['rmi', '-f', 'myid-yo/test']);
    }
  });

  test.skipIf(podman.skip)(`podman loads it: ${podman.reason}`, async () => {
    const storage = [
      '--root',
      join(directory, 'podman'),
      '--runroot',
      join(directory, 'podman-run'),
      '--storage-driver',
      'vfs',
    ];
    await run('podman', [...storage, 'load', '-q', '-i', join(directory, 'test.tar')]);
    const { stdout } = await run('podman', [
      ...storage,
      'inspect',
      '--format',
      '{{.User}}',
      'docker.io/myid-yo/test:latest',
    ]);
    expect(stdout.trim()).toBe('myid-yo');
    await run('podman', [...storage, 'rmi', '-f', 'docker.io/myid-yo/test:latest']);
  });
});

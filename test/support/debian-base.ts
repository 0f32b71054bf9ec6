import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * An OCI layout of a minimal Debian in the shape of tensorflow/tensorflow (a distribution, an interactive shell), made with
 * debootstrap and umoci, which we did not write. Kept in the temporary folder for the next run: it takes half a minute.
 */
export async function debianLayout(): Promise<string> {
  const cache = join(tmpdir(), `tsbuild-test-debian-${process.getuid?.() ?? 0}`);
  const layout = join(cache, 'layout');
  if (existsSync(join(layout, 'index.json'))) return layout;
  const work = `${cache}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const rootfs = join(work, 'rootfs');
    await run('debootstrap', ['--variant=minbase', 'bookworm', rootfs], { maxBuffer: 1 << 26 });
    rmSync(join(rootfs, 'var/cache/apt/archives'), { recursive: true });
    mkdirSync(join(rootfs, 'var/cache/apt/archives/partial'), { recursive: true });
    await run('tar', ['--numeric-owner', '-C', rootfs, '-cf', join(work, 'rootfs.tar'), '.']);
    const image = `${join(work, 'layout')}:latest`;
    await run('umoci', ['init', '--layout', join(work, 'layout')]);
    await run('umoci', ['new', '--image', image]);
    await run('umoci', ['raw', 'add-layer', '--image', image, join(work, 'rootfs.tar')]);
    const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    await run('umoci', [
      'config',
      '--image',
      image,
      '--config.cmd',
      '/bin/bash',
      '--config.env',
      `PATH=${path}`,
      '--config.env',
      'DEBIAN_FRONTEND=noninteractive',
    ]);
    mkdirSync(cache, { recursive: true });
    renameSync(join(work, 'layout'), layout);
    return layout;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

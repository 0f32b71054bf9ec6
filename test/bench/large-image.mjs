// What the benchmark of large transfers needs: the image, made once and kept, and registries of its own.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ProcessFailed, run, tryRun } from './process.mjs';

/** An OCI layout, kept for the next time: it takes half a minute to make. */
export function largeImage(megabytes) {
  const folder = join(tmpdir(), `tsbuild-bench-image-${megabytes}`);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  try {
    run([process.execPath, fileURLToPath(new URL('make-image.mjs', import.meta.url)), unfinished, String(megabytes)]);
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}

/** A registry on a free port of 127.0.0.1. Throws `ProcessFailed` when none is installed. */
export async function startRegistry(directory) {
  const program = ['docker-registry', 'registry'].find((name) => tryRun([name, '--version']) !== null);
  if (program === undefined) throw new ProcessFailed('neither docker-registry nor registry is installed');
  const address = `127.0.0.1:${await freePort()}`;
  const data = join(directory, 'data');
  mkdirSync(data, { recursive: true });
  const config = join(directory, 'config.yml');
  const storage = `storage: { filesystem: { rootdirectory: ${data} } }`;
  writeFileSync(config, `version: 0.1\nlog: { level: error }\n${storage}\nhttp: { addr: '${address}' }\n`);
  const server = spawn(program, ['serve', config], { stdio: 'ignore' });
  await answers(address);
  return {
    address,
    /** Forgets all that was pushed. */
    clear: () => rmSync(join(data, 'docker'), { recursive: true, force: true }),
    close: () => server.kill(),
  };
}

async function answers(address) {
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      if ((await fetch(`http://${address}/v2/`)).ok) return;
    } catch {
      // Not yet.
    }
    await sleep(100);
  }
  throw new ProcessFailed(`the registry at ${address} does not answer`);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

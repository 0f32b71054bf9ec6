// What an image takes of the disk: of each tool, how much more its folder holds than before.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './process.mjs';

export const SPACE_STATES = [
  { id: 'plain', title: 'loaded, what docker save wrote' },
  { id: 'plain-run', title: '… and one RUN step upon it' },
  { id: 'gzip', title: 'loaded, with compressed layers' },
  { id: 'gzip-run', title: '… and one RUN step upon it' },
  { id: 'dropped', title: '… and what can be made again dropped' },
];

/** Bytes on the disk below a folder, of that file system alone. */
export function heldBelow(folder) {
  run(['sync']);
  return Number(run(['du', '-sx', '-B1', folder]).stdout.split('\t')[0]);
}

/**
 * The operation of one tool. `load` gives the words that load an archive, `build` those that build upon its image, `drop` does
 * away with what can be had again while both images stay; `held` tells bytes, `again` how many of them can be made again.
 */
export function spaceOperation({ archives, begin, load, build, drop, forget, held, again, env }) {
  const states = (kind) => {
    begin();
    try {
      const before = held();
      const look = () => ({ bytes: held() - before, again: again?.() });
      run(load(archives.file(kind)), { env });
      const loaded = look();
      run(build(), { env });
      const built = look();
      if (kind === 'plain') return { plain: loaded, 'plain-run': built };
      drop();
      return { gzip: loaded, 'gzip-run': built, dropped: look() };
    } finally {
      forget();
    }
  };
  return {
    prepare() {
      for (const kind of ['plain', 'gzip']) archives.file(kind);
    },
    states: () => ({ ...states('plain'), ...states('gzip') }),
  };
}

/** Where a Docker daemon of this machine keeps its things, as seen from here; nothing of one that is elsewhere. */
export function dataRootOf(docker) {
  const [id, ...words] = run(docker('info', '--format', '{{.ID}} {{.DockerRootDir}}')).stdout.split(' ');
  const folder = words.join(' ');
  const seen = daemons().map((pid) => join('/proc', pid, 'root', folder));
  const own = seen.filter((root) => hasEngine(root, id));
  // Several daemons may see one folder, each in the mount namespace of its own.
  return new Set(own.map(identityOf)).size === 1 ? own[0] : undefined;
}

function daemons() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => textOf(join('/proc', pid, 'comm')) === 'dockerd');
}

/** Daemons before 23 tell no id in a file: then the folder alone must do. */
function hasEngine(root, id) {
  const told = textOf(join(root, 'engine-id'));
  return told === undefined ? existsSync(join(root, 'image')) : told === id;
}

function identityOf(folder) {
  const { dev, ino } = statSync(folder);
  return `${dev}:${ino}`;
}

function textOf(file) {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

const UNITS = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** By what the daemon says, to four digits. */
export function systemDf(docker) {
  const sizes = run(docker('system', 'df', '--format', '{{.Size}}')).stdout.split('\n');
  const bytes = sizes.map((size) => {
    const [, number, unit] = /^([\d.]+)([kMGT]?B)$/.exec(size) ?? [];
    return Math.round(Number(number ?? 0) * (UNITS[unit] ?? 0));
  });
  return bytes.reduce((sum, each) => sum + each, 0);
}

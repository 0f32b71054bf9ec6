// Archives that all tools load, so that loading is the same task for all.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessFailed } from './process.mjs';

/**
 * `plain` is what `docker save` writes, layers as plain tars; `gzip` has them compressed, as a registry has them. A tool that
 * can write one offers to; who is first in `makers` and succeeds has written it.
 */
export function createArchives(scratch) {
  const makers = { plain: [], gzip: [] };
  const writtenBy = {};
  const fileOf = (kind) => join(scratch, `shared-${kind}.tar`);
  const attempt = (kind, { name, write }) => {
    try {
      write(fileOf(kind));
      writtenBy[kind] = name;
      return true;
    } catch (error) {
      if (!(error instanceof ProcessFailed)) throw error;
      rmSync(fileOf(kind), { force: true });
      return false;
    }
  };
  return {
    /** `write` writes to a file it is told, or throws `ProcessFailed`. Docker's own is preferred to one like it. */
    offer(kind, name, write) {
      const own = { name, write };
      const atDockers = makers[kind].findIndex((maker) => !maker.name.startsWith('docker'));
      if (!name.startsWith('docker') || atDockers < 0) makers[kind].push(own);
      else makers[kind].splice(atDockers, 0, own);
    },
    /** @returns its path; it is written when it is first asked for */
    file(kind) {
      if (!existsSync(fileOf(kind)) && !makers[kind].some((maker) => attempt(kind, maker)))
        throw new ProcessFailed(`no tool here writes an archive with ${kind} layers`);
      return fileOf(kind);
    },
    notes: () => Object.entries(writtenBy).map(([kind, name]) => `archive with ${kind} layers: saved by ${name}`),
  };
}

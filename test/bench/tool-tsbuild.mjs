import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measuringEnvironment, run } from './process.mjs';
import { BASE, overheadOperation, renewFiles, uniqueBuildArg, writeLongDockerfile } from './workload.mjs';

/** This checkout's tsbuild, and the base image for all tools: made here of the host's own programs. */
export function createTsbuild({ scratch, registriesConf, folders, image, baseArchive, pushed }) {
  const cli = [process.execPath, fileURLToPath(new URL('../../dist/bin/tsbuild.js', import.meta.url))];
  const env = measuringEnvironment({ CONTAINERS_REGISTRIES_CONF: registriesConf });
  const store = join(scratch, 'tsbuild');
  const fresh = join(scratch, 'tsbuild-fresh');
  const archive = join(scratch, 'tsbuild.tar');
  const tsbuild = (at, ...words) => [...cli, '--store', at, ...words];
  const build = (at, folder, ...words) =>
    tsbuild(at, 'build', '--progress', 'plain', '-t', 'localhost/bench/out', ...words, folder);
  const dropFresh = () => rmSync(fresh, { recursive: true, force: true });
  const save = tsbuild(store, 'save', '-o', archive, image);
  const havePulled = () => run(tsbuild(store, 'pull', image), { env });
  const haveArchive = () => {
    if (existsSync(archive)) return;
    havePulled();
    run(save, { env });
  };
  /** A store that has the base of the builds, and nothing else. */
  const begin = () => {
    dropFresh();
    run(tsbuild(fresh, 'load', '-i', baseArchive), { env });
  };
  return {
    name: 'tsbuild',
    version: run([...cli, '--version']).stdout.replace(/^tsbuild /, ''),
    env,
    /** Makes the base image, here and as an archive for the others. */
    makeBase(file) {
      run(tsbuild(store, 'bootstrap', '--progress', 'plain', '-t', BASE), { env });
      run(tsbuild(store, 'save', '-o', file, BASE), { env });
    },
    /** Puts the image of an OCI layout into a registry. */
    putImage(layout, name) {
      run([...cli, 'copy', `oci:${layout}`, `docker://${name}`], { env });
    },
    operations: {
      start: { argv: () => [[...cli, '--version']] },
      'build-warm': { argv: () => [build(store, folders.warm)] },
      'build-cold': { argv: () => [build(store, folders.cold, ...uniqueBuildArg())] },
      'run-overhead': overheadOperation((name, ...words) => build(store, folders[name], ...words)),
      stages: { argv: () => [build(store, folders.stages, '--no-cache')] },
      'copy-cold': {
        before() {
          dropFresh();
          renewFiles(folders.copy);
        },
        argv: () => [build(fresh, folders.copy)],
        after: dropFresh,
      },
      'copy-warm': { argv: () => [build(store, folders.copy)] },
      parse: { before: () => writeLongDockerfile(folders.parse), argv: () => [build(store, folders.parse)] },
      pull: { before: dropFresh, argv: () => [tsbuild(fresh, 'pull', image)], after: dropFresh },
      save: { prepare: havePulled, argv: () => [save], result: archive },
      load: {
        prepare: haveArchive,
        before: dropFresh,
        argv: () => [tsbuild(fresh, 'load', '-i', archive)],
        after: dropFresh,
      },
      push: {
        prepare() {
          havePulled();
          run(tsbuild(store, 'tag', image, `${pushed?.address}/large:tsbuild`), { env });
        },
        before: () => pushed.clear(),
        argv: () => [tsbuild(store, 'push', `${pushed.address}/large:tsbuild`)],
      },
      unpack: {
        prepare: havePulled,
        before: () => rmSync(join(store, 'snapshots'), { recursive: true, force: true }),
        argv: () => [build(store, folders.unpack, ...uniqueBuildArg())],
      },
      'first-build': {
        before: begin,
        argv: () => [build(fresh, folders.unpack, ...uniqueBuildArg())],
        after: dropFresh,
      },
      'load-run': {
        prepare: haveArchive,
        before: begin,
        argv: () => [tsbuild(fresh, 'load', '-i', archive), build(fresh, folders.unpack, ...uniqueBuildArg())],
        after: dropFresh,
      },
      'first-run': {
        before: dropFresh,
        argv: () => [tsbuild(fresh, 'pull', image), build(fresh, folders.first, ...uniqueBuildArg())],
        after: dropFresh,
      },
    },
    close: () => undefined,
  };
}

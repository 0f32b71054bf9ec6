import { existsSync, linkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measuringEnvironment, ProcessFailed, run } from './process.mjs';
import { heldBelow, spaceOperation } from './space.mjs';
import { createWork, workOperations } from './work.mjs';
import { BASE, overheadOperation, renewFiles, uniqueBuildArg, writeLongDockerfile } from './workload.mjs';

const OUT = 'localhost/bench/out';
const cli = [process.execPath, fileURLToPath(new URL('../../dist/bin/tsbuild.js', import.meta.url))];

/** This checkout's tsbuild, and the base images for all tools: made here, one of the host's own programs. */
export function createTsbuild({ scratch, registriesConf, folders, image, workImage, baseArchive, pushed, archives }) {
  const env = measuringEnvironment({ CONTAINERS_REGISTRIES_CONF: registriesConf });
  const store = join(scratch, 'tsbuild');
  const fresh = join(scratch, 'tsbuild-fresh');
  const worked = join(scratch, 'tsbuild-worked');
  const archive = join(scratch, 'tsbuild.tar');
  const tsbuild = (at, ...words) => [...cli, '--store', at, ...words];
  const build = (at, folder, ...words) => tsbuild(at, 'build', '--progress', 'plain', '-t', OUT, ...words, folder);
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
  archives.offer('plain', 'tsbuild, --compress none', (file) => {
    havePulled();
    run(tsbuild(store, 'save', '--compress', 'none', '-o', file, image), { env });
  });
  archives.offer('gzip', 'tsbuild', (file) => {
    haveArchive();
    linkSync(archive, file);
  });
  const work = createWork({
    scratch,
    from: workImage,
    copied: folders.copy,
    env,
    build: (name, folder, ...words) => tsbuild(store, 'build', '--progress', 'plain', '-t', name, ...words, folder),
    save: (name, file) => tsbuild(store, 'save', '-o', file, name),
  });
  const loadRun = (kind) => ({
    prepare: () => archives.file(kind),
    before: begin,
    argv: () => [tsbuild(fresh, 'load', '-i', archives.file(kind)), build(fresh, folders.unpack, ...uniqueBuildArg())],
    after: dropFresh,
  });
  return {
    name: 'tsbuild',
    work,
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
      'load-run-plain': loadRun('plain'),
      'load-run-gzip': loadRun('gzip'),
      'first-run': {
        before: dropFresh,
        argv: () => [tsbuild(fresh, 'pull', image), build(fresh, folders.first, ...uniqueBuildArg())],
        after: dropFresh,
      },
      ...workOperations(work, {
        build: (folder, ...words) => build(worked, folder, ...words),
        prepare: () => loadOnce(worked, tsbuild(worked, 'load', '-i', work.archive), env),
      }),
      space: spaceOperation({
        archives,
        env,
        begin,
        load: (file) => tsbuild(fresh, 'load', '-i', file),
        build: () => build(fresh, pushed === undefined ? folders.first : folders.unpack, ...uniqueBuildArg()),
        drop: () => run(tsbuild(fresh, 'prune', '--snapshots'), { env }),
        forget: dropFresh,
        held: () => heldBelow(fresh),
        again: () => snapshotBytes(run(tsbuild(fresh, 'df', '--verbose', '--format', 'json'), { env }).stdout),
      }),
    },
    close: () => undefined,
  };
}

/** What can be made again of what the store holds: layers unpacked, or made ready to be mounted. */
function snapshotBytes(usage) {
  return JSON.parse(usage).snapshots.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** As it is for the other tools: a layer that was built in the same store is there as files already. */
function loadOnce(store, load, env) {
  if (!existsSync(store)) run(load, { env });
}

/** tsbuild with all layers unpacked, as where nothing can be mounted from a tar. Throws `ProcessFailed` where that is so anyway. */
export function createTsbuildUnpacked({ scratch, registriesConf, work }) {
  const store = join(scratch, 'tsbuild-unpacked');
  const env = measuringEnvironment({ CONTAINERS_REGISTRIES_CONF: registriesConf, TSBUILD_SNAPSHOTTER: 'overlay' });
  const tsbuild = (...words) => [...cli, '--store', store, ...words];
  if (JSON.parse(run(tsbuild('info', '--json')).stdout).store?.rootfs !== 'images')
    throw new ProcessFailed('layers are not mounted from their tars here, so tsbuild itself unpacks them');
  return {
    name: 'tsbuild, unpacked',
    version: 'TSBUILD_SNAPSHOTTER=overlay',
    env,
    operations: workOperations(work, {
      build: (folder, ...words) => tsbuild('build', '--progress', 'plain', '-t', OUT, ...words, folder),
      prepare: () => loadOnce(store, tsbuild('load', '-i', work.archive), env),
    }),
    close: () => undefined,
  };
}

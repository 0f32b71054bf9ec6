import { existsSync, linkSync } from 'node:fs';
import { join } from 'node:path';
import { measuringEnvironment, ProcessFailed, run, tryRun } from './process.mjs';
import { dataRootOf, heldBelow, spaceOperation, systemDf } from './space.mjs';
import { WORK_BASE, workOperations } from './work.mjs';
import { BASE, overheadOperation, renewFiles, uniqueBuildArg, writeLongDockerfile } from './workload.mjs';

const BUILT = ['warm', 'cold', 'stages', 'copy', 'few', 'many', 'first', 'probe', 'parse', 'unpack', 'worked'].map(
  (name) => `localhost/bench/${name}:latest`,
);
const CACHE_IDS = '{{range .BuildCache}}{{.ID}} {{end}}';

/** One Docker daemon. Throws `ProcessFailed` when it does not answer. */
export function createDocker(host, { scratch, folders, image, baseArchive, index, pushed, archives, work }) {
  const docker = (...words) => ['docker', '-H', host, ...words];
  const version = run(docker('version', '--format', '{{.Server.Version}}')).stdout;
  const builder = findBuilder(docker, folders);
  const env = builder.env;
  const archive = join(scratch, `docker-${index}.tar`);
  const buildIn = (folder, name, ...words) =>
    docker(...builder.words, '--network', 'host', '-t', `localhost/bench/${name}`, ...words, folder);
  const build = (name, ...words) => buildIn(folders[name], name, ...words);
  const remove = () => tryRun(docker('image', 'rm', '--force', image));
  const removeBuilt = () => tryRun(docker('image', 'rm', '--force', ...BUILT));
  const isThere = tryRun(docker('image', 'inspect', '--format', '{{.Id}}', image)) !== null;
  const needAbsent = () => {
    if (isThere) throw new ProcessFailed(`the daemon had ${image} before, which is not removed for a benchmark`);
  };
  let hadLayers = false;
  const havePulled = () => {
    needAbsent();
    if (tryRun(docker('image', 'inspect', image)) === null) noteLayers(run(docker('pull', image)).output);
  };
  const save = docker('save', '-o', archive, image);
  const haveArchive = () => {
    havePulled();
    if (!existsSync(archive)) run(save);
  };
  const noteLayers = (output) => {
    hadLayers ||= output.includes('Already exists');
  };
  const needAllNew = (output) => {
    noteLayers(output);
    if (hadLayers) throw new ProcessFailed(`the daemon had layers of ${image} before: give it one of its own`);
  };
  archives.offer('plain', `docker ${version}`, (file) => {
    haveArchive();
    linkSync(archive, file);
  });
  const cacheIds = () =>
    run(docker('system', 'df', '-v', '--format', CACHE_IDS))
      .stdout.split(' ')
      .filter(Boolean);
  let knownIds = new Set();
  const newIds = () => cacheIds().filter((id) => !knownIds.has(id));
  // The build cache keeps the layers of a base image that is gone, and the next pull would find them. A record goes only
  // after those that were made upon it, in an order that nobody tells.
  const forgetCache = () => {
    for (let left = newIds(), before = Infinity; left.length > 0 && left.length < before; left = newIds()) {
      before = left.length;
      for (const id of left) tryRun(docker('builder', 'prune', '--force', '--all', '--filter', `id=${id}`));
    }
  };
  const forgetBase = () => {
    removeBuilt();
    remove();
    forgetCache();
  };
  const beginAbsent = () => {
    needAbsent();
    knownIds = new Set(cacheIds());
  };
  /** To load is another matter where layers are known: only a pull tells. */
  const beginLoading = () => {
    havePulled();
    needAllNew('');
    remove();
    beginAbsent();
  };
  const loadRun = (kind) => ({
    prepare() {
      archives.file(kind);
      beginLoading();
    },
    before: remove,
    argv: () => [docker('load', '-i', archives.file(kind)), build('unpack', ...uniqueBuildArg())],
    after: forgetBase,
  });
  let hasWork = false;
  const haveWork = () => {
    if (hasWork) return;
    knownIds = new Set(cacheIds());
    run(docker('load', '-i', work.archive));
    hasWork = true;
  };
  const dataRoot = dataRootOf(docker);
  run(docker('load', '-i', baseArchive));
  return {
    name: `docker ${version}`,
    version: builder.name,
    env,
    // What it takes is the daemon's, which this program does not see.
    hasDaemon: true,
    operations: {
      start: { argv: () => [['docker', '--version']] },
      'build-warm': { argv: () => [build('warm')] },
      'build-cold': { argv: () => [build('cold', ...uniqueBuildArg())], after: removeBuilt },
      'run-overhead': { ...overheadOperation(build), after: removeBuilt },
      stages: { argv: () => [[...build('stages'), '--no-cache']], after: removeBuilt },
      // The daemon has the files of the round before and is sent what is new: more than the others start with.
      'copy-cold': {
        before: () => renewFiles(folders.copy),
        argv: () => [[...build('copy'), '--no-cache']],
        after: removeBuilt,
      },
      'copy-warm': { argv: () => [build('copy')] },
      parse: { before: () => writeLongDockerfile(folders.parse), argv: () => [build('parse')], after: removeBuilt },
      pull: {
        prepare: needAbsent,
        before: remove,
        argv: () => [docker('pull', image)],
        check: needAllNew,
      },
      save: { prepare: havePulled, argv: () => [save], result: archive },
      load: { prepare: haveArchive, before: remove, argv: () => [docker('load', '-i', archive)] },
      push: {
        prepare() {
          havePulled();
          run(docker('tag', image, `${pushed?.address}/large:docker`));
        },
        before: () => pushed.clear(),
        argv: () => [docker('push', `${pushed.address}/large:docker`)],
      },
      'first-build': {
        prepare: beginAbsent,
        before: remove,
        argv: () => [build('unpack', ...uniqueBuildArg())],
        after: forgetBase,
      },
      'load-run-plain': loadRun('plain'),
      'load-run-gzip': loadRun('gzip'),
      'first-run': {
        prepare: beginAbsent,
        before: remove,
        argv: () => [docker('pull', image), build('first', ...uniqueBuildArg())],
        check: needAllNew,
        after: forgetBase,
      },
      ...workOperations(work, {
        build: (folder, ...words) => buildIn(folder, 'worked', ...words),
        prepare: haveWork,
        after() {
          removeBuilt();
          forgetCache();
        },
      }),
      space: spaceOperation({
        archives,
        env,
        begin: beginLoading,
        load: (file) => docker('load', '-i', file),
        build: () => build(pushed === undefined ? 'first' : 'unpack', ...uniqueBuildArg()),
        drop: forgetCache,
        forget: forgetBase,
        held: () => (dataRoot === undefined ? systemDf(docker) : heldBelow(dataRoot)),
      }),
    },
    close() {
      removeBuilt();
      tryRun(docker('image', 'rm', '--force', BASE));
      if (hasWork) tryRun(docker('image', 'rm', '--force', WORK_BASE));
      if (pushed !== undefined) tryRun(docker('image', 'rm', '--force', `${pushed.address}/large:docker`));
      if (!isThere) remove();
    },
  };
}

/** buildx where the client has it, else the BuildKit of the older client, else the builder before BuildKit. */
function findBuilder(docker, folders) {
  const withBuildKit = measuringEnvironment({ DOCKER_BUILDKIT: '1' });
  const buildx = tryRun(docker('buildx', 'version'));
  if (buildx !== null) {
    return { name: `buildx ${buildx.split(' ')[1]}`, words: ['buildx', 'build', '--load'], env: withBuildKit };
  }
  const probe = docker('build', '--network', 'host', '-t', 'localhost/bench/probe', folders.probe);
  if (tryRun(probe, { env: withBuildKit }) !== null) return { name: 'BuildKit', words: ['build'], env: withBuildKit };
  const env = measuringEnvironment({ DOCKER_BUILDKIT: '0' });
  run(probe, { env });
  return { name: 'the builder before BuildKit', words: ['build'], env };
}

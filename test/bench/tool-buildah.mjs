import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { measuringEnvironment, ProcessFailed, run, tryRun } from './process.mjs';
import { overheadOperation, uniqueBuildArg, writeLongDockerfile } from './workload.mjs';

const OUT = 'localhost/bench/out:latest';
/** From the most like a user's to what still works in a container: the first that builds is measured, and named. */
const WAYS = [
  { driver: 'overlay', flags: [] },
  { driver: 'overlay', flags: ['--isolation', 'chroot'] },
  { driver: 'vfs', flags: ['--isolation', 'chroot'] },
];

/** buildah with a storage of its own. Throws `ProcessFailed` when it is not installed, or no way of building works. */
export function createBuildah({ scratch, registriesConf, folders, image, baseArchive, pushed }) {
  const version = run(['buildah', '--version']).stdout.split(' ')[2];
  // It takes DOCKER_CONFIG for the folder of its credentials, and fails without any.
  const env = measuringEnvironment({ CONTAINERS_REGISTRIES_CONF: registriesConf, DOCKER_CONFIG: undefined });
  const directory = join(scratch, 'buildah');
  const archive = join(scratch, 'buildah.tar');
  const storageOf = ({ driver }) => [
    '--root',
    join(directory, driver),
    '--runroot',
    join(directory, `${driver}-run`),
    '--storage-driver',
    driver,
  ];
  const buildWith = (way, folder, ...words) => [
    ...['buildah', ...storageOf(way), 'build', '--layers', '--network', 'host', ...way.flags, '-t', OUT],
    ...words,
    folder,
  ];
  const probe = (candidate) => {
    run(['buildah', ...storageOf(candidate), 'pull', `docker-archive:${baseArchive}`], { env });
    run(buildWith(candidate, folders.cold, ...uniqueBuildArg()), { env });
  };
  const way = firstThatWorks(WAYS, probe);
  const buildah = (...words) => ['buildah', ...storageOf(way), ...words];
  const remove = () => tryRun(buildah('rmi', '--force', image), { env });
  const pull = () => buildah('pull', '--policy', 'always', `docker://${image}`);
  const havePulled = () => {
    if (tryRun(buildah('inspect', '--type', 'image', image), { env }) === null) run(pull(), { env });
  };
  const save = buildah('push', image, `docker-archive:${archive}:${image}`);
  const haveArchive = () => {
    havePulled();
    if (!existsSync(archive)) run(save, { env });
  };
  return {
    name: `buildah ${version}`,
    version: [`storage driver ${way.driver}`, ...way.flags].join(' '),
    env,
    operations: {
      start: { argv: () => [['buildah', '--version']] },
      'build-warm': { argv: () => [buildWith(way, folders.warm)] },
      'build-cold': { argv: () => [buildWith(way, folders.cold, ...uniqueBuildArg())] },
      'run-overhead': overheadOperation((name, ...words) => buildWith(way, folders[name], ...words)),
      stages: { argv: () => [buildWith(way, folders.stages, '--no-cache', '--jobs', '4')] },
      parse: { before: () => writeLongDockerfile(folders.parse), argv: () => [buildWith(way, folders.parse)] },
      pull: { before: remove, argv: () => [pull()] },
      save: {
        prepare: havePulled,
        before: () => rmSync(archive, { force: true }),
        argv: () => [save],
        result: archive,
      },
      load: { prepare: haveArchive, before: remove, argv: () => [buildah('pull', `docker-archive:${archive}`)] },
      push: {
        prepare: havePulled,
        before: () => pushed.clear(),
        argv: () => [buildah('push', image, `docker://${pushed.address}/large`)],
      },
      'first-run': {
        before: remove,
        argv: () => [pull(), buildWith(way, folders.first, ...uniqueBuildArg())],
      },
    },
    close: () => tryRun(buildah('rmi', '--all', '--force'), { env }),
  };
}

/** Throws what the last one threw when none works. */
function firstThatWorks(candidates, attempt) {
  for (const candidate of candidates) {
    try {
      attempt(candidate);
      return candidate;
    } catch (error) {
      if (!(error instanceof ProcessFailed) || candidate === candidates.at(-1)) throw error;
    }
  }
}

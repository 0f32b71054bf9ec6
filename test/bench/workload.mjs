// What is built and moved: the same files and names for every tool.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `localhost/` is nobody's registry: every tool takes the image from its own store. */
export const BASE = 'localhost/bench/base:latest';

export const OPERATIONS = [
  { id: 'start', title: '--version', kind: 'build' },
  { id: 'build-warm', title: 'rebuild, nothing changed, 10 steps', kind: 'build' },
  { id: 'build-cold', title: 'build without cache, 10 small RUN steps', kind: 'build' },
  { id: 'run-overhead', title: 'one RUN true (of 20 the last 10)', kind: 'build' },
  { id: 'stages', title: 'four stages of RUN sleep 2, side by side', kind: 'build' },
  { id: 'copy-cold', title: 'COPY of 50,000 files, nothing remembered', kind: 'build' },
  { id: 'copy-warm', title: 'COPY of 50,000 files again', kind: 'build' },
  { id: 'parse', title: 'the last stage of a new Dockerfile of 10,000 lines', kind: 'build' },
  { id: 'pull', title: 'pull', kind: 'transfer' },
  { id: 'save', title: 'save', kind: 'transfer' },
  { id: 'load', title: 'load into an empty store', kind: 'transfer' },
  { id: 'push', title: 'push into an empty registry', kind: 'large' },
  { id: 'unpack', title: 'unpack, and one RUN step upon it', kind: 'large' },
  { id: 'first-build', title: 'one RUN step upon it, from an empty store', kind: 'large' },
  { id: 'load-run-plain', title: 'load what docker save wrote, and one RUN step upon it', kind: 'large' },
  { id: 'load-run-gzip', title: 'load compressed layers, and one RUN step upon it', kind: 'large' },
  { id: 'first-run', title: 'pull, then build one RUN step upon it', kind: 'first-run' },
  { id: 'run-find', title: 'find /, each of 60,000 files asked for its size', kind: 'work' },
  { id: 'run-find-again', title: '… in the next RUN of the build', kind: 'work' },
  { id: 'run-find-cold', title: '… with nothing of it in memory', kind: 'work' },
  { id: 'run-read', title: 'tar of /, all files read', kind: 'work' },
  { id: 'run-read-again', title: '… in the next RUN of the build', kind: 'work' },
  { id: 'run-read-cold', title: '… with nothing of it in memory', kind: 'work' },
  { id: 'run-names', title: '50,000 files of 1 KB read by name, in random order', kind: 'work' },
  { id: 'run-names-again', title: '… in the next RUN of the build', kind: 'work' },
  { id: 'run-compile', title: 'gcc -O1 of 61 files, and linking', kind: 'work' },
  { id: 'run-compile-again', title: '… in the next RUN of the build', kind: 'work' },
  { id: 'run-apt', title: 'apt-get install git, from packages in the image', kind: 'work' },
  { id: 'space', title: 'disk space', kind: 'space' },
];

const WARM = `FROM ${BASE}
ENV STAGE=bench
WORKDIR /app
COPY package.txt ./
RUN sort package.txt > sorted.txt
COPY src ./src
RUN cat src/*.txt > all.txt
RUN wc -l all.txt > count.txt
LABEL kind=bench
RUN mkdir -p /data && cp count.txt /data/
CMD ["cat", "/data/count.txt"]
`;

const COLD = `FROM ${BASE}
ARG UNIQUE
${Array.from({ length: 10 }, (_, step) => `RUN echo "$UNIQUE ${step}" > /step-${step}\n`).join('')}`;

const STAGES = ['a', 'b', 'c', 'd'].reduce(
  (text, stage) =>
    `FROM ${BASE} AS ${stage}\nRUN sleep 2 && echo ${stage} > /${stage}\n${text}COPY --from=${stage} /${stage} /\n`,
  `FROM ${BASE}\n`,
);

/** How many steps of nothing the two builds have whose difference is measured. */
export const OVERHEAD_STEPS = { few: 10, many: 20 };

const NOTHING = (steps) => `FROM ${BASE}
ARG UNIQUE
${Array.from({ length: steps }, (_, step) => `RUN true "$UNIQUE ${step}"\n`).join('')}`;

/** Writes the build contexts. @returns their folders */
export function writeWorkload(directory, image) {
  const names = ['warm', 'cold', 'stages', 'copy', 'few', 'many', 'first', 'probe', 'parse', 'unpack'];
  const folders = Object.fromEntries(names.map((name) => [name, join(directory, name)]));
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
  writeFileSync(join(folders.warm, 'Dockerfile'), WARM);
  writeFileSync(join(folders.warm, 'package.txt'), 'gamma\nalpha\nbeta\n');
  mkdirSync(join(folders.warm, 'src'), { recursive: true });
  for (let file = 0; file < 50; file += 1) {
    writeFileSync(join(folders.warm, 'src', `${file}.txt`), `line of file ${file}\n`.repeat(100));
  }
  writeFileSync(join(folders.cold, 'Dockerfile'), COLD);
  writeFileSync(join(folders.stages, 'Dockerfile'), STAGES);
  for (const [name, steps] of Object.entries(OVERHEAD_STEPS)) {
    writeFileSync(join(folders[name], 'Dockerfile'), NOTHING(steps));
  }
  writeFileSync(join(folders.first, 'Dockerfile'), `FROM ${image}\nARG UNIQUE\nRUN echo "$UNIQUE" > /bench\n`);
  writeManyFiles(folders.copy);
  // The large image has no programs of its own.
  const unpack = `FROM ${image}\nARG UNIQUE\nCOPY --from=${BASE} / /\nRUN echo "$UNIQUE" > /bench\n`;
  writeFileSync(join(folders.unpack, 'Dockerfile'), unpack);
  writeFileSync(join(folders.probe, 'Dockerfile'), 'FROM scratch\nLABEL probe=yes\n');
  return folders;
}

/** Of the many files, each of some 1 KB. */
export const FILES = { folders: 500, each: 100, count: 50_000, lines: 80 };

function writeManyFiles(folder) {
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY files /files\n');
  for (let at = 0; at < FILES.folders; at += 1) {
    const below = join(folder, 'files', String(at));
    mkdirSync(below, { recursive: true });
    for (let file = 0; file < FILES.each; file += 1) {
      writeFileSync(join(below, `${file}.txt`), `file ${at} ${file}\n`.repeat(FILES.lines));
    }
  }
}

/** Changes one of the files, so that no cache has the step. */
export function renewFiles(folder) {
  last += 1;
  writeFileSync(join(folder, 'files', 'number'), `${process.pid}-${Date.now()}-${last}`);
}

const STAGE = (number) => `FROM scratch AS stage-${number}
# What the stage is for.
ARG VERSION=1.2.${number}
ENV NAME="stage ${number}" DEBUG=
COPY --chown=1000:1000 a b /app/
RUN make VERSION=$VERSION && \\
    # all of it
    make install \\
      PREFIX=/usr
LABEL number=${number}
`;

/** 10,000 lines in 1,000 stages, of which only the last is needed; each time another text, which no cache knows. */
export function writeLongDockerfile(folder) {
  last += 1;
  const stages = Array.from({ length: 999 }, (_, number) => STAGE(number)).join('');
  const end = `FROM scratch\n# ${process.pid}-${Date.now()}-${last}\n${'\n'.repeat(7)}LABEL parse=yes\n`;
  writeFileSync(join(folder, 'Dockerfile'), stages + end);
}

let last = 0;

/** A value that no earlier build has seen, of this run or another. */
export function uniqueBuildArg() {
  last += 1;
  return ['--build-arg', `UNIQUE=${process.pid}-${Date.now()}-${last}`];
}

/** Two builds in turn, for whose difference in time see `OVERHEAD_STEPS`. */
export function overheadOperation(build) {
  return {
    argv: () => ['few', 'many'].map((name) => build(name, ...uniqueBuildArg())),
    steps: OVERHEAD_STEPS.many - OVERHEAD_STEPS.few,
  };
}

/** containers-registries.conf(5), which tsbuild and buildah read: docker.io from the registry of the benchmark. */
export function writeRegistriesConf(file, registry, insecure = []) {
  writeFileSync(
    file,
    `[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "${registry}"
insecure = true

[[registry]]
location = "${registry}"
insecure = true
${insecure.map((location) => `\n[[registry]]\nlocation = "${location}"\ninsecure = true\n`).join('')}`,
  );
}

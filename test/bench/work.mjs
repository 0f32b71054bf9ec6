// What a RUN does inside, upon layers that are there already: mounted from their tars, unpacked, or Docker's.
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessFailed, run } from './process.mjs';
import { FILES, uniqueBuildArg } from './workload.mjs';

/** The image that the work is done upon: some Debian, 50,000 files of 1 KB, and what the bench can get of gcc and git. */
export const WORK_BASE = 'localhost/bench/work:latest';

/** Writing 3 makes the kernel forget files, names and inodes that it has in memory (proc_sys_vm(5)). */
const DROP_CACHES = '/proc/sys/vm/drop_caches';
const FIND = { script: `find / -xdev -printf '%s\\n' | wc -l`, isDone: (line) => Number(line) > FILES.count };
// To a pipe: tar reads no files when it sees that it writes to /dev/null.
const READ = {
  script: `tar c --one-file-system / 2>/dev/null | wc -c`,
  isDone: (line) => Number(line) > FILES.count * FILES.lines,
};

const PLACE = '/usr/share/bench';
const UNITS = 60;
const NAMES = {
  script: `cd ${PLACE} && xargs cat <names.txt | wc -l`,
  isDone: (line) => Number(line) === FILES.count * FILES.lines,
};
const COMPILE = {
  get: 'command -v gcc || { apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev; }',
  script: `mkdir /tmp/bench
for unit in ${PLACE}/units/*.c; do gcc -O1 -c -o "/tmp/bench/$(basename "$unit").o" "$unit"; done
gcc -o /tmp/bench/all /tmp/bench/*.o
/tmp/bench/all`,
  isDone: (line) => Number(line) === UNITS,
};

/**
 * `get` puts into the image what `script` needs; `isDone` knows the line that the script writes when it has done it all. What is done
 * `again` is done by an earlier RUN of the same build first, which does not count.
 */
const WORKS = {
  'run-find': FIND,
  'run-find-again': { ...FIND, isAgain: true },
  'run-find-cold': { ...FIND, isCold: true },
  'run-read': READ,
  'run-read-again': { ...READ, isAgain: true },
  'run-read-cold': { ...READ, isCold: true },
  'run-names': NAMES,
  'run-names-again': { ...NAMES, isAgain: true },
  'run-compile': COMPILE,
  'run-compile-again': { ...COMPILE, isAgain: true },
  'run-apt': {
    // The packages lie in the image: the network is left out of what is measured.
    get: '! command -v git && apt-get update && apt-get install -y --no-install-recommends --download-only git',
    script: `DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends --no-download git >/tmp/apt.log 2>&1
git --version`,
    isDone: (line) => line.startsWith('git version'),
  },
};

const TIMED = `begin=$(date +%s%N)
result=$(sh -e "${PLACE}/$1.sh") || exit
end=$(date +%s%N)
echo "bench took $((end - begin)) ns: $result"
`;
const GET = `sh -e "${PLACE}/get-$1.sh" || echo "bench lacks $1"\n`;

/** Says 1 for every unit that was compiled and linked in. */
const UNIT = (number) => `#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
int unit_${number}(const char *word) {
  char text[64];
  snprintf(text, sizeof text, "%s %d", word, ${number});
  return strlen(text) > strlen(word) ? 1 : 0;
}
`;

/**
 * The image for all tools, made when the first operation needs it, by tsbuild: `build` gives the words that build a folder
 * under a name, `save` those that write what has the name to an archive.
 */
export function createWork({ scratch, from, copied, build, save, env }) {
  const archive = join(scratch, 'work.tar');
  const folder = join(scratch, 'work');
  const make = () => {
    writeBase(join(folder, 'base'), from);
    for (const [id, { isAgain }] of Object.entries(WORKS)) {
      mkdirSync(join(folder, id));
      // What is left of the first time is none of the second's files.
      const before = isAgain === true ? `RUN sh -e ${PLACE}/${id}.sh >/dev/null && rm -rf /tmp/bench\n` : '';
      const dockerfile = `FROM ${WORK_BASE}\nARG UNIQUE\n${before}RUN sh ${PLACE}/timed.sh ${id}\n`;
      writeFileSync(join(folder, id, 'Dockerfile'), dockerfile);
    }
    const words = ['--network', 'host', '--build-context', `copied=${copied}`];
    const { output } = run(build(WORK_BASE, join(folder, 'base'), ...words), { env });
    run(save(WORK_BASE, archive), { env });
    return new Set([...output.matchAll(/bench lacks (\S+)/g)].map(([, id]) => id));
  };
  let lacking;
  return {
    archive,
    from,
    folderOf: (id) => join(folder, id),
    /** Forgets what others have left in memory, before all tools warm up: long lists of inodes are slow for all. */
    begin() {
      if (mayDropCaches()) dropCaches();
    },
    /** @returns why an operation cannot be measured here, or nothing */
    whyNot(id) {
      lacking ??= make();
      if (WORKS[id].isCold === true && !mayDropCaches()) return `${DROP_CACHES} is not to be written to`;
      return lacking.has(id) ? `could not be prepared in ${from}: ${WORKS[id].get}` : undefined;
    },
  };
}

/** The operations of a tool: `build` gives the words that build a folder, `prepare` makes the tool have `WORK_BASE`. */
export function workOperations(work, { build, prepare, after }) {
  const entries = Object.entries(WORKS).map(([id, { isDone, isCold }]) => {
    const argv = () => [build(work.folderOf(id), ...uniqueBuildArg())];
    const before = isCold === true ? dropCaches : undefined;
    return [id, { prepare, before, argv, after, took: (output) => tookInside(output, isDone) }];
  });
  return Object.fromEntries(entries);
}

function mayDropCaches() {
  try {
    accessSync(DROP_CACHES, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function dropCaches() {
  // What is not written yet stays in memory.
  run(['sync']);
  writeFileSync(DROP_CACHES, '3');
}

/** By the clock inside the RUN, so that what it takes to start a builder and to keep the result is not in it. */
function tookInside(output, isDone) {
  const [, nanoseconds, line] = /bench took (\d+) ns: (.*)/.exec(output) ?? [];
  if (nanoseconds === undefined) throw new ProcessFailed('the RUN does not say what it took');
  if (!isDone(line.trim())) throw new ProcessFailed(`the RUN has not done its work: ${line}`);
  return Number(nanoseconds) / 1e6;
}

function writeBase(folder, from) {
  const units = join(folder, 'bench', 'units');
  mkdirSync(units, { recursive: true });
  const put = (name, text) => writeFileSync(join(folder, 'bench', name), text);
  put('timed.sh', TIMED);
  put('get.sh', GET);
  put('names.txt', `${shuffled(fileNames()).join('\n')}\n`);
  const runs = Object.entries(WORKS).map(([id, { get, script }]) => {
    put(`${id}.sh`, `${script}\n`);
    if (get === undefined) return '';
    put(`get-${id}.sh`, `${get}\n`);
    return `RUN sh ${PLACE}/get.sh ${id}\n`;
  });
  const numbers = Array.from({ length: UNITS }, (_, number) => number);
  for (const number of numbers) put(`units/${number}.c`, UNIT(number));
  const declared = numbers.map((number) => `int unit_${number}(const char *);\n`).join('');
  const sum = numbers.map((number) => `unit_${number}("unit")`).join(' + ');
  put('units/main.c', `#include <stdio.h>\n${declared}int main(void) { printf("%d\\n", ${sum}); return 0; }\n`);
  const dockerfile = `FROM ${from}\nCOPY bench ${PLACE}/\n${runs.join('')}COPY --from=copied files ${PLACE}/files/\n`;
  writeFileSync(join(folder, 'Dockerfile'), dockerfile);
}

function fileNames() {
  const names = [];
  for (let at = 0; at < FILES.folders; at += 1)
    for (let file = 0; file < FILES.each; file += 1) names.push(`files/${at}/${file}.txt`);
  return names;
}

/** The same order each time (xorshift32), in which no two neighbors are neighbors on a disk. */
function shuffled(names) {
  let state = 2_463_534_242;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  for (let at = names.length - 1; at > 0; at -= 1) {
    const other = next() % (at + 1);
    [names[at], names[other]] = [names[other], names[at]];
  }
  return names;
}

// Makes the pictures of docs/screenshots/: builds in tmux, each looked at when it shows what the picture is of.
// Words after the script's name are options of `tsbuild build` and `pull`, such as --registry-mirror HOST.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tsbuild-screenshots-'));
const options = process.argv.slice(2);
const tmux = (...words) =>
  execFileSync('tmux', ['-u', '-f', '/dev/null', '-S', join(folder, 'tmux'), ...words], {
    env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', TERM: 'xterm-256color' },
    encoding: 'utf8',
  });

const DOCKERFILE = `FROM alpine AS base
RUN echo ready

FROM base AS server
RUN for i in $(seq 1 40); do echo "compile src/server/part$i.c"; sleep 0.15; done
RUN STATUS

FROM base AS pages
RUN for i in $(seq 1 100); do printf "\\rrender [%3d%%] page $i" $i; sleep 0.06; done; echo

FROM base AS pictures
RUN for i in $(seq 1 30); do echo "scale photo-$i.jpg 1920x1080"; sleep 0.2; done

FROM base AS checks
RUN for i in $(seq 1 50); do echo "ok $i: parses case $i"; sleep 0.12; done

FROM base
COPY --from=server /bin/busybox /server
COPY --from=pages /bin/busybox /pages
COPY --from=pictures /bin/busybox /pictures
COPY --from=checks /bin/busybox /checks
`;

const SCENES = [
  { name: 'building', words: ['build', '--jobs=4', '-t', 'shop', '.'], until: /page (5\d|6\d)/ },
  { name: 'summary', words: ['build', '--jobs=4', '-t', 'shop', '.'], until: /named docker/ },
  { name: 'failed', words: ['build', '--jobs=4', '-f', 'Dockerfile.failing', '-t', 'shop', '.'], until: /hint:/ },
  { name: 'transfer', words: ['pull', 'tensorflow/tensorflow'], until: /, \d+s left/ },
];
const SIZES = [
  [80, 24],
  [200, 50],
];

try {
  mkdirSync(join(folder, 'shop'));
  writeFileSync(join(folder, 'shop/Dockerfile'), DOCKERFILE.replace('STATUS', 'echo linked'));
  const failing = 'sleep 1; for lib in http json; do echo "ld: cannot find -l$lib"; done; exit 2';
  writeFileSync(join(folder, 'shop/Dockerfile.failing'), DOCKERFILE.replace('STATUS', failing));
  mkdirSync(join(root, 'docs/screenshots'), { recursive: true });
  for (const [columns, rows] of SIZES) {
    for (const scene of SCENES) {
      const screen = await shown(scene, { columns, rows });
      writeFileSync(
        join(root, `docs/screenshots/${scene.name}-${columns}x${rows}.svg`),
        svg(screen, { columns, rows }),
      );
      process.stdout.write(`${scene.name} ${columns}x${rows}\n`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The screen, with its colors, once it matches. */
async function shown({ words, until }, { columns, rows }) {
  const store = join(folder, 'store');
  rmSync(store, { recursive: true, force: true });
  writeFileSync(
    join(folder, 'prompt'),
    `PS1='$ '; cd '${folder}/shop'; tsbuild() { '${process.execPath}' '${root}dist/bin/tsbuild.js' "$@" ${options.join(' ')}; }; unset CI; clear\n`,
  );
  tmux(
    'new-session',
    '-d',
    '-x',
    String(columns),
    '-y',
    String(rows),
    '-e',
    `TSBUILD_STORE=${store}`,
    '-e',
    `ENV=${folder}/prompt`,
    'exec sh -i',
  );
  try {
    await sleep(500);
    tmux('send-keys', `tsbuild ${words.join(' ')}`, 'Enter');
    for (const end = Date.now() + 60_000; ;) {
      const screen = tmux('capture-pane', '-p', '-e').replaceAll(`${folder}/shop/`, '');
      if (until.test(screen)) return screen.trimEnd();
      if (Date.now() > end) throw new Error(`nothing matches ${until} in:\n${screen}`);
      await sleep(40);
    }
  } finally {
    tmux('kill-server');
    await sleep(500);
  }
}

/** Runs of characters that look the same, each at its column; fonts need not have the same width. */
function svg(screen, { columns, rows }) {
  const [width, height, baseline, edge] = [8, 17, 13, 10];
  const colors = { 31: '#f38ba8', 33: '#f9e2af', 34: '#89b4fa', 36: '#94e2d5' };
  let style = {};
  const texts = screen.split('\n').flatMap((line, row) => {
    let column = 0;
    return line.split(/(\x1b\[[\d;]*m)/).flatMap((part) => {
      const sequence = /^\x1b\[([\d;]*)m$/.exec(part);
      if (sequence !== null) {
        for (const code of sequence[1].split(';').map(Number)) style = restyled(style, code, colors);
        return [];
      }
      const at = column;
      column += part.length;
      // Viewers do not agree on blanks: what they separate is placed by itself.
      return [...part.matchAll(/\S+(?: \S+)*/g)].map(({ 0: words, index }) => {
        const look = `${style.fill === undefined ? '' : ` fill="${style.fill}"`}${style.bold ? ' font-weight="bold"' : ''}${style.dim ? ' opacity="0.65"' : ''}`;
        const place = `x="${edge + (at + index) * width}" y="${edge + row * height + baseline}" textLength="${words.length * width}"`;
        return `<text ${place}${look}>${words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</text>`;
      });
    });
  });
  const [w, h] = [columns * width + 2 * edge, rows * height + 2 * edge];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13" fill="#cdd6f4">
<rect width="100%" height="100%" rx="6" fill="#1e1e2e"/>
${texts.join('\n')}
</svg>
`;
}

function restyled(style, code, colors) {
  if (code === 0) return {};
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 39) return { ...style, fill: undefined };
  return colors[code] === undefined ? style : { ...style, fill: colors[code] };
}

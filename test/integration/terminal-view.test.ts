import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirement } from '../support/require.js';
import { Tmux } from '../support/tmux.js';
import { hasTools } from '../support/tools.js';
import { CLI, tsbuild } from '../support/tsbuild.js';

const tmux = requirement('tmux', hasTools('tmux'), 'there is no tmux');
const sandbox = requirement('sandbox', existsSync('/bin/busybox'), 'there is no /bin/busybox (package busybox-static)');
const skip = tmux.skip || sandbox.skip;

// What a program may write to spoil a view: erased screens, a cursor elsewhere, wide and joined characters, tabs, a bar that grows.
const HOSTILE = String.raw`printf '\033[2J\033[5;5H\033[31m\tred 日本語 👩‍👩‍👧 e\314\201\033]0;title\007\b\b\n'`;
const DOCKERFILE = String.raw`FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
FROM base AS left
RUN for i in $(seq 1 60); do ${HOSTILE}; echo "left $i ${'x'.repeat(300)}"; sleep 0.1; done
FROM base AS right
RUN for i in $(seq 1 55); do printf "\rbar $i%%"; sleep 0.1; done; printf 'the last line of right'; exit 3
FROM base
COPY --from=left /bin/busybox /a
COPY --from=right /bin/busybox /b
`;

/** So long after a resize tmux tells programs of the next one late, which until then draw for the wrong width. */
const TMUX_PAUSE_MS = 300;

let folder: string;

beforeAll(() => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-view-'));
  mkdirSync(join(folder, 'context'));
  cpSync('/bin/busybox', join(folder, 'context/busybox'));
  writeFileSync(join(folder, 'context/Dockerfile'), DOCKERFILE);
});
afterAll(async () => {
  if (skip) return;
  // An ordinary user's snapshots are of ids that only a user namespace may remove.
  await tsbuild(['prune', '--all', '--force'], {
    env: { TSBUILD_STORE: join(folder, 'store') },
    killAfterMs: 20_000,
  });
  rmSync(folder, { recursive: true, force: true });
});

/** From the last line that was there before. */
function frame(lines: readonly string[]): string {
  return lines.slice(lines.lastIndexOf('line 100')).join('\n');
}

function expectOne(lines: readonly string[]): void {
  expect(frame(lines)).toMatch(/^line 100\n(?:(?!\[\+\] Building)[^])*\[\+\] Building(?:(?!\[\+\] Building)[^])*$/);
}

const has = (pattern: RegExp) => (lines: readonly string[]) => lines.some((line) => pattern.test(line));

describe.skipIf(skip)(`the live view (${skip ? tmux.reason : 'in tmux'})`, () => {
  test('is one frame at every size, whatever steps write, and leaves a summary with the output of what failed', async () => {
    const env = { TSBUILD_STORE: join(folder, 'store'), HOME: folder };
    using terminal = new Tmux({ folder, columns: 80, rows: 24, env });
    terminal.type('unset CI; seq -f "line %g" 100');
    await terminal.until('what was there before', has(/^line 100$/));
    terminal.type(
      `'${process.execPath}' '${CLI}' build --jobs 2 -t view '${join(folder, 'context')}'; echo "status $?"`,
    );

    const narrow = await terminal.until('a bar that grows', has(/^ => # bar \d+%$/));
    expect(narrow).toContainEqual(expect.stringMatching(/^\[\+\] Building \d+\.\ds \(\d\/\d\)$/));
    expect(narrow).toContainEqual(expect.stringMatching(/^ => STAGES 1 done, left 0\/1, stage-3 0\/2, right 0\/1$/));
    expect(narrow).toContainEqual(expect.stringMatching(/^ => # left \d+ x+…$/));
    expect(narrow).toContainEqual(expect.stringMatching(/^ => # {3}red 日本語/));
    expectOne(narrow);

    // Rows that the terminal scrolls away, as lines that it breaks take more of them, are out of anyone's reach: tmux scrolls by
    // as many as there are more, so that there have to be as many above the frame.
    terminal.resize(80, 60);
    await terminal.until(
      'as much output as is ever shown',
      (lines) => lines.filter((line) => / => # left/.test(line)).length === 6,
    );
    for (const columns of [40, 25, 60]) {
      await sleep(TMUX_PAUSE_MS);
      terminal.resize(columns, 60);
      const time = RegExp(`^ => .{${columns - 8}}\\d\\.\\ds$`);
      expectOne(await terminal.until(`a time at the right edge of ${columns} columns`, has(time)));
    }

    await sleep(TMUX_PAUSE_MS);
    terminal.resize(200, 50);
    expectOne(await terminal.until('two stages beside each other', has(/ => \[left 1\/1\].* => \[right 1\/1\]/)));

    const after = await terminal.until('the end', has(/^status 4$/));
    expectOne(after);
    const shown = frame(after);
    expect(shown).toMatch(/\[\+\] Building \d+\.\ds \(\d\/7\) FAILED: .*1 failed/);
    expect(shown).toMatch(
      /------\n > \[right 1\/1\] RUN .*:\nbar 55%the last line of right\n------\n(.*\n)*error\[RUN_FAILED\]/,
    );
    // Nothing of the steps that did not fail, nor of any frame.
    expect(shown).not.toMatch(/=> #|left \d+ x/);
  });
});

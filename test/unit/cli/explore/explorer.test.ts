import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exploreFrame, type Frame } from '../../../../src/cli/explore/explore-layout.js';
import { PLAIN_DIRECTORY } from '../../../../src/layers/tree.js';
import type { MarkedFile } from '../../../../src/layers/compare/changed-tree.js';
import { ROOT } from '../../../../src/support/byte-path.js';
import { bytesOfText } from '../../../../src/support/byte-string.js';
import { exploreJson, exploreText } from '../../../../src/cli/explore/explore-report.js';
import type { ExploredImage } from '../../../../src/cli/explore/explored-image.js';
import { Explorer } from '../../../../src/cli/explore/explorer.js';
import { INTERRUPT, terminalKeys } from '../../../../src/cli/explore/terminal-keys.js';
import { checkWaste, readMaxWasted, readMinEfficiency } from '../../../../src/cli/explore/waste-limits.js';
import { palette } from '../../../../src/cli/text/color.js';
import { explored } from './sample.js';

let folder: string;
let image: ExploredImage;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-explore-'));
  image = await explored(
    [
      [
        ['etc/big', 'x'.repeat(2000)],
        ['etc/deep/er/file', 'four'],
        ['usr/é\x1b[31m', 'odd'],
        ['usr/gone', 'g'.repeat(500)],
      ],
      [
        ['etc/big', 'y'.repeat(1000)],
        ['usr/.wh.gone', ''],
        ['zzz', 'new'],
      ],
    ],
    folder,
  );
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const SIZE = { rows: 24, columns: 100, utf8: true };

function press(explorer: Explorer, ...keys: string[]): Explorer {
  for (const key of keys) explorer.press(key);
  return explorer;
}

const lines = ({ panes }: Frame, pane = 1): string[] => (panes[pane]?.rows ?? []).map(({ text }) => text);
const shown = (explorer: Explorer, size = SIZE): string[] => lines(exploreFrame(explorer, size)).slice(1);

describe('Explorer', () => {
  test('begins with what the whole image shows, marked with what its last layer did', () => {
    expect(shown(new Explorer(image))).toEqual(['>  etc/ …', '   usr/ …', ' + zzz']);
  });

  test('unfolds directories, with removed files in their place, and escapes names', () => {
    const explorer = press(new Explorer(image), 'tab', 'enter', 'down', 'down', 'down', 'right');
    expect(shown(explorer)).toEqual([
      '   etc/',
      ' ~   big',
      '     deep/ …',
      '>  usr/',
      ' -   gone',
      '     é\\x1b[31m',
      ' + zzz',
    ]);
    // To the parent, and fold it.
    press(explorer, 'down', 'left', 'left');
    expect(shown(explorer)[3]).toBe('>  usr/ …');
  });

  test('has files only once in a layer above none', () => {
    const explorer = press(new Explorer(image), 'up');
    expect(shown(explorer)).toEqual(['>+ etc/ …', ' + usr/ …']);
  });

  test('d shows only changes, s the largest first', () => {
    const explorer = press(new Explorer(image), 'tab', 'enter', 'd');
    expect(shown(explorer)).toEqual(['>  etc/', ' ~   big', '   usr/ …', ' + zzz']);
    expect(shown(press(explorer, 'd', 's'))).toEqual(['>  etc/', ' ~   big', '     deep/ …', '   usr/ …', ' + zzz']);
    expect(shown(press(explorer, 'h', 'k', 'l', 's', 's')).at(-1)).not.toBe('');
  });

  test('finds files by their path, and shows where they are', () => {
    const explorer = press(new Explorer(image), '/', ...Array.from('FILE'));
    expect(shown(explorer)).toEqual([]);
    press(explorer, 'backspace', 'backspace', 'backspace', 'backspace', ...Array.from('er/f'));
    expect(shown(explorer)).toEqual(['>  /etc/deep/er/file']);
    // q is a letter while one types.
    expect(explorer.press('q')).toBe(false);
    press(explorer, 'backspace', 'enter', 'enter');
    expect(explorer.search).toBe('');
    expect(shown(explorer)).toContain('>        file');
  });

  test('names wasted files, and leads to them in the layer that holds them', () => {
    const explorer = press(new Explorer(image), 'w');
    expect(shown(explorer)).toEqual(['>/etc/big', ' /usr/gone']);
    expect(exploreFrame(explorer, SIZE).footer.text).toBe('in layer 1, overwritten in 2; Enter shows it');
    press(explorer, 'down', 'enter');
    expect(explorer.layer).toBe(0);
    expect(shown(explorer)).toContain('>+   gone');
  });

  test('shows one pane where there is no room for two, and is never larger than the terminal', () => {
    const explorer = new Explorer(image);
    for (const rows of [2, 5, 24]) {
      for (const columns of [10, 40, 63, 64, 200]) {
        for (const key of ['tab', '?', '?', 'w', 'w']) {
          explorer.press(key);
          const { panes } = exploreFrame(explorer, { rows, columns, utf8: true });
          expect(panes).toHaveLength(columns < 64 || explorer.help ? 1 : 2);
          expect(panes.reduce((sum, { width }) => sum + width, panes.length - 1)).toBeLessThanOrEqual(columns);
          for (const pane of panes) expect(pane.rows.length).toBeLessThanOrEqual(Math.max(2, rows - 3));
        }
      }
    }
  });

  test('writes ASCII only where the terminal has nothing else', () => {
    const explorer = press(new Explorer(image), 'tab', 'down', 'enter');
    const { title, footer, panes } = exploreFrame(explorer, { ...SIZE, utf8: false });
    const all = [title, footer, ...panes.flatMap(({ rows }) => rows)].map(({ text, right }) => text + right).join('');
    expect(all).toMatch(/^[ -~]*$/);
    expect(all).toContain('?\\x1b[31m');
  });

  test('q is the last key', () => {
    expect(new Explorer(image).press('q')).toBe(true);
  });

  test('goes through twenty thousand files as quickly as through a few', () => {
    const entry = { ...PLAIN_DIRECTORY, type: 'file' } as const;
    const facts = { bytes: 0, mark: 'same', touched: false, children: [] } as const;
    const children: MarkedFile[] = [];
    const root: MarkedFile = { ...facts, name: ROOT, parent: undefined, entry: PLAIN_DIRECTORY, children };
    for (let index = 0; index < 20_000; index++) {
      children.push({ ...facts, name: bytesOfText(String(index)), parent: root, entry });
    }
    const many = new Explorer({ ...image, treeOf: () => root });
    press(many, 'tab');
    exploreFrame(many, SIZE);
    const started = performance.now();
    for (let count = 0; count < 200; count++) {
      many.press('page-down', 20);
      exploreFrame(many, SIZE);
    }
    expect(performance.now() - started).toBeLessThan(500);
    expect(shown(press(many, 'end')).at(-1)).toBe('>  19999');
  });
});

describe('terminalKeys()', () => {
  test.each<[string, readonly string[]]>([
    ['\x1b[A\x1bOB\x1b[5~\x1b[1;5C', ['up', 'down', 'page-up', 'right']],
    ['jé/\r\t\x7f', ['j', 'é', '/', 'enter', 'tab', 'backspace']],
    ['\x1b', ['escape']],
    [INTERRUPT, [INTERRUPT]],
    ['\x00\x1b[200~\x1c', []],
  ])('%j', (text, expected) => {
    expect(terminalKeys(text)).toEqual(expected);
  });
});

describe('the report', () => {
  test('is text with the layers, the efficiency and the wasted files', () => {
    const text = exploreText(image, palette(false));
    expect(text).toContain('Efficiency 28.7 %: 2.5kB of 3.51kB are wasted in 2 files');
    expect(text).toMatch(/^2kB +1 +overwritten in 2 +\/etc\/big$/m);
    expect(text).toMatch(/^1 +2.51kB +71% +2.5kB +4 +RUN make 0$/m);
    expect(text).not.toMatch(/[^\n -~…]/);
  });

  test('is JSON with all of it', () => {
    expect(JSON.parse(exploreJson(image))).toMatchObject({
      version: 1,
      bytes: 3510,
      wastedBytes: 2500,
      layers: [{ wastedBytes: 2500 }, { bytes: 1003 }],
      wastedFiles: [
        { path: '/etc/big', bytes: 2000, layers: [0], hiddenBy: 1, fate: 'overwritten' },
        { path: '/usr/gone', bytes: 500, fate: 'removed' },
      ],
    });
  });
});

describe('limits of waste', () => {
  test.each<[string, boolean]>([
    ['71.2%', true],
    ['71.3%', false],
    ['2499', true],
    ['2500', false],
    ['0', true],
  ])('--max-wasted %s', (text, fails) => {
    const check = (): void => {
      checkWaste('image', image.waste, { maxWasted: readMaxWasted(text), minEfficiency: undefined });
    };
    if (fails) expect(check).toThrow(expect.objectContaining({ code: 'IMAGE_WASTEFUL' }) as Error);
    else expect(check).not.toThrow();
  });

  test('--min-efficiency takes a share and a percentage', () => {
    expect(readMinEfficiency('0.95')).toBe(0.95);
    expect(readMinEfficiency('95%')).toBe(0.95);
    const limits = { maxWasted: undefined, minEfficiency: 0.3 };
    expect(() => {
      checkWaste('image', image.waste, limits);
    }).toThrow('its efficiency is 0.2877, less than 0.3');
  });

  test.each(['', '-1', '1.1', '101%', 'much'])('"%s" is refused', (text) => {
    expect(() => readMinEfficiency(text)).toThrow('it is no share');
    expect(() => readMaxWasted(text === '1.1' ? '1.1.1' : text)).toThrow('no count of bytes');
  });
});

import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { formatAge, formatCreated } from '../../../src/cli/text/age.js';
import { isUtf8, takesUtf8, toAscii } from '../../../src/cli/text/charset.js';
import { colorOf } from '../../../src/cli/text/color.js';
import { formatSize } from '../../../src/cli/text/size.js';
import { ellipsis, formatTable } from '../../../src/cli/text/table.js';
import { escapeControls, plainLine } from '../../../src/cli/text/terminal-text.js';
import { transferAmount, transferSubject } from '../../../src/cli/progress/transfer-text.js';
import { visibleLine } from '../../../src/support/visible-line.js';
import { digestOf } from '../../../src/oci/digest.js';

describe('formatSize()', () => {
  // Expected values are those of docker images for the same sizes.
  test.each([
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [5200, '5.2kB'],
    [7_834_567, '7.83MB'],
    [117_000_000, '117MB'],
    [999_400, '999kB'],
    [999_950, '1MB'],
    [2_840_000_000, '2.84GB'],
  ])('writes %d bytes as %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

describe('formatAge()', () => {
  const minute = 60;
  const hour = 60 * minute;
  const day = 24 * hour;
  // The thresholds of github.com/docker/go-units, duration_test.go.
  test.each([
    [0.45, 'Less than a second'],
    [1, '1 second'],
    [45, '45 seconds'],
    [63, 'About a minute'],
    [3 * minute, '3 minutes'],
    [89 * minute, 'About an hour'],
    [90 * minute, '2 hours'],
    [47 * hour, '47 hours'],
    [48 * hour, '2 days'],
    [13 * day, '13 days'],
    [14 * day, '2 weeks'],
    [59 * day, '8 weeks'],
    [60 * day, '2 months'],
    [23 * 30 * day, '23 months'],
    [2 * 365 * day, '2 years'],
  ])('words %d seconds as "%s"', (seconds, text) => {
    expect(formatAge(seconds * 1000)).toBe(text);
  });

  test('says nothing of an image without a date', () => {
    expect(formatCreated(undefined, 0)).toBe('N/A');
    expect(formatCreated('yesterday', 0)).toBe('N/A');
  });

  test('takes a date in the future for now', () => {
    expect(formatCreated('2030-01-01T00:00:00Z', Date.UTC(2029, 0, 1))).toBe('Less than a second ago');
  });
});

describe('formatTable()', () => {
  test('aligns columns and leaves no blanks at line ends', () => {
    expect(
      formatTable([
        ['A', 'LONG', 'B'],
        ['aaa', 'x', ''],
      ]),
    ).toBe('A     LONG   B\naaa   x\n');
  });

  test('cuts between characters, not within one', () => {
    expect(ellipsis('ab😀😀', 4)).toBe('ab😀😀');
    expect(ellipsis('ab😀😀x', 4)).toBe('ab😀…');
  });
});

describe('terminal text', () => {
  test.each([
    ['colors', '\x1b[1;31mred\x1b[0m', 'red'],
    ['cursor movements', 'a\x1b[2J\x1b[1;1Hb', 'ab'],
    ['window titles', '\x1b]0;evil\x07text', 'text'],
    ['hyperlinks', '\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\', 'link'],
    ['device control strings', '\x1bPq#0\x1b\\after', 'after'],
    ['one-byte introducers', '\x9b31mred', 'red'],
    ['bells, backspaces and carriage returns', 'a\x07b\x08c\r', 'abc'],
    ['text direction overrides', 'a\u202eb', 'ab'],
    ['character set switches', '\x1b(0x\x1b(B', 'x'],
  ])('of a program loses %s', (_, text, expected) => {
    expect(plainLine(text)).toBe(expected);
  });

  test.each([
    ['|\b/\b-\bdone', 'done'],
    ['N\bNA\bAME', 'NAME'],
    ['\b\babc\b\b', 'abc'],
    ['a\x1b[31mb\bc', 'ac'],
    ['日\b本\b', '本'],
  ])('output %j looks as after its backspaces', (text, expected) => {
    expect(visibleLine(text)).toBe(expected);
  });

  test.each([
    [{}, true],
    [{ LANG: 'de_DE.UTF-8' }, true],
    [{ LANG: 'en_US.utf8', LC_CTYPE: '' }, true],
    [{ LC_ALL: 'C', LANG: 'en_US.UTF-8' }, false],
    [{ LC_CTYPE: 'de_DE.ISO-8859-1' }, false],
    [{ LC_ALL: 'POSIX' }, false],
  ])('in the locale of %j it is known whether there is UTF-8', (env, expected) => {
    expect(isUtf8(env)).toBe(expected);
  });

  test.each([
    [true, 'C', false],
    [true, 'C.UTF-8', true],
    [false, 'C', true],
  ])('a stream that is a terminal (%j) in the locale %s takes UTF-8: %j', (isTTY, LC_ALL, expected) => {
    expect(takesUtf8(Object.assign(new PassThrough(), { isTTY }), { LC_ALL })).toBe(expected);
  });

  test('text for a terminal without UTF-8 is ASCII, a sign for a character', () => {
    expect(toAscii('日本… é👩\x1b[1m')).toBe('??... ??\x1b[1m');
  });

  test('of a program keeps tabs and letters of all scripts', () => {
    expect(plainLine('a\tbä漢😀')).toBe('a\tbä漢😀');
  });

  test('of a message shows control characters', () => {
    expect(escapeControls('a\x1b[31m\n\r\tb\x85\u202e')).toBe('a\\x1b[31m\\n\\r\\tb\\x85\\u202e');
  });
});

describe('colorOf()', () => {
  const stream = (isTTY: boolean): Parameters<typeof colorOf>[0] =>
    ({ isTTY }) as unknown as Parameters<typeof colorOf>[0];
  test.each([
    ['a terminal', true, {}, true],
    ['a pipe', false, {}, false],
    ['NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
  ])('decides for %s', (_, isTTY, env, expected) => {
    expect(colorOf(stream(isTTY), env)).toBe(expected);
  });
});

describe('a transfer', () => {
  const transfer = {
    item: digestOf('layer'),
    direction: 'compress',
    current: 13_700_000,
    total: 95_100_000,
    bytesPerSecond: 4_600_000,
    remainingMs: 17_700,
    done: false,
    existed: false,
  } as const;

  test.each([
    [{}, '13.7MB / 95.1MB, 4.6MB/s, 18s left'],
    [{ done: true }, '13.7MB / 95.1MB'],
    [{ remainingMs: undefined, total: undefined }, '13.7MB, 4.6MB/s'],
    [{ bytesPerSecond: undefined, remainingMs: undefined }, '13.7MB / 95.1MB'],
  ])('with %j says how far it is: %s', (changes, text) => {
    expect(transferAmount({ ...transfer, ...changes })).toBe(text);
  });

  test('of a compression says so', () => {
    expect(transferSubject(transfer, 'short')).toBe(`compressing ${transfer.item.slice(0, 19)}`);
  });
});

import { describe, expect, test } from 'vitest';
import {
  formatGoDuration,
  formatGoList,
  quoteGo,
  quoteGoList,
  quoteGoRune,
} from '../../../../src/builder/plan/go-format.js';

describe('Go formatting', () => {
  test.each([
    ['', '""'],
    ['plain é 😀', '"plain é 😀"'],
    ['a "b" \\ \'c\'', '"a \\"b\\" \\\\ \'c\'"'],
    ['\u0007\b\f\n\r\t\v', '"\\a\\b\\f\\n\\r\\t\\v"'],
    ['\0\u001b\u007f', '"\\x00\\x1b\\x7f"'],
    ['\u0080\u00a0\u200b\ufeff', '"\\u0080\\u00a0\\u200b\\ufeff"'],
    ['\u{e0001}', '"\\U000e0001"'],
  ])('%j is quoted as %s', (text, quoted) => {
    expect(quoteGo(text)).toBe(quoted);
  });

  test('lists have blanks between their members', () => {
    expect(quoteGoList(['a b', 'c'])).toBe('["a b" "c"]');
    expect(quoteGoList([])).toBe('[]');
    expect(formatGoList(['a b', 'c'])).toBe('[a b c]');
  });

  test.each([
    [0, "'\\x00'"],
    [4, "'\\x04'"],
    [10, "'\\n'"],
    [39, "'\\''"],
    [34, "'\"'"],
    [65, "'A'"],
    [0xd8_00, "'\u{fffd}'"],
    [0x11_00_00, "'\u{fffd}'"],
  ])('the integer %d is quoted as %s', (code, quoted) => {
    expect(quoteGoRune(code)).toBe(quoted);
  });

  test.each([
    [0, '0s'],
    [1, '1ns'],
    [1_500, '1.5µs'],
    [1_000_000, '1ms'],
    [999_999_999, '999.999999ms'],
    [1_000_000_000, '1s'],
    [1_500_000_000, '1.5s'],
    [1_000_000_001, '1.000000001s'],
    [60_000_000_000, '1m0s'],
    [90_000_000_000, '1m30s'],
    [3_600_000_000_000, '1h0m0s'],
    [90_061_500_000_000, '25h1m1.5s'],
  ])('%d ns are %s', (nanoseconds, text) => {
    expect(formatGoDuration(nanoseconds)).toBe(text);
  });
});

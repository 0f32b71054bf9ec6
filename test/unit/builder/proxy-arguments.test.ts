import { expect, test } from 'vitest';
import { proxyArguments } from '../../../src/builder/proxy-arguments.js';

test.each([
  [{}, {}],
  [{ A: 'b' }, {}],
  [{ HTTP_PROXY: 'h' }, { HTTP_PROXY: 'h', http_proxy: 'h' }],
  [
    { no_proxy: 'n', OTHER: 'o' },
    { NO_PROXY: 'n', no_proxy: 'n' },
  ],
  [
    { all_proxy: 'lower', ALL_PROXY: 'upper' },
    { ALL_PROXY: 'upper', all_proxy: 'upper' },
  ],
])('proxyArguments(%j) is %j', (given, expected) => {
  expect(proxyArguments(given)).toEqual(expected);
});

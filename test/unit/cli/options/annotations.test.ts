import { expect, test } from 'vitest';
import { readAnnotations } from '../../../../src/cli/options/annotations.js';

test('annotations say where they belong', () => {
  expect(readAnnotations(['a=1', 'index:b=', 'manifest[linux/amd64],manifest-descriptor:c=x=y'])).toEqual({
    annotations: { a: '1' },
    placed: [
      { place: 'index', name: 'b', value: '' },
      { place: 'manifest', platform: 'linux/amd64', name: 'c', value: 'x=y' },
      { place: 'manifest-descriptor', name: 'c', value: 'x=y' },
    ],
  });
});

test.each([
  ['foo', 'the value is missing'],
  ['=foo', 'the name is missing'],
  ['index[linux/amd64]:a=b', 'an index is of all platforms'],
])('"%s" is refused: %s', (word, state) => {
  expect(() => readAnnotations([word])).toThrow(`cannot use --annotation "${word}": ${state}`);
});

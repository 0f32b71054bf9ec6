import { describe, expect, test } from 'vitest';
import { planError, planText, vertices } from './plan-text.js';

const TEXT = ['FROM busybox AS one', 'RUN a', 'FROM busybox AS two', 'RUN a', 'RUN b', 'FROM two', 'RUN c', ''].join(
  '\n',
);

async function fresh(...noCacheFilter: string[]): Promise<readonly string[]> {
  const plan = await planText(`${TEXT}COPY --from=one / /\n`, { noCacheFilter });
  return vertices(plan).flatMap((vertex) => (vertex.fresh === true ? [vertex.label.replace(/^.*\] /, '')] : []));
}

describe('--no-cache-filter', () => {
  test('the steps of a stage are done anew, its base image is not', async () => {
    expect(await fresh()).toEqual([]);
    expect(await fresh('TWO')).toEqual(['RUN a', 'RUN b']);
    expect(await fresh('2')).toEqual(['RUN c', 'COPY --from=one / /']);
    expect(await fresh('two', '2')).toEqual(['RUN a', 'RUN b', 'RUN c', 'COPY --from=one / /']);
  });

  test('what two stages do alike is done anew if one of them is to be, in whatever order they come', async () => {
    expect(await fresh('one')).toEqual(['RUN a']);
  });

  test('a stage that there is not is answered with the nearest name', async () => {
    const error = await planError(TEXT, { noCacheFilter: ['tow'] });
    expect(error.message).toBe('cannot do stage "tow" without the cache: there is no such stage');
    expect(error.hint).toMatch(/^Did you mean "two"\?/);
  });
});

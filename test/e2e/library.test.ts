import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ProgressEvent } from '../../src/builder/progress.js';

// As a program would import it: the compiled package, with its workers beside it.
type Library = typeof import('../../src/index.js');
const library = (await import('../../dist/index.js' as string)) as Library;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsbuild-library-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('tsbuild as a library', () => {
  const open = () => library.createToolchain({ storeRoot: join(directory, 'store'), env: process.env });

  test('builds from text and a folder, tells what happens, and gives the image', async () => {
    writeFileSync(join(directory, 'app'), 'hello\n');
    await using tools = await open();
    await tools.bootstrap({ tag: 'base', include: [] });
    const events: ProgressEvent[] = [];
    const result = await tools.build(
      library.buildRequest({
        dockerfile: { name: 'Dockerfile', text: 'FROM base\nCOPY app /app\nRUN cat /app\nLABEL a=b\n' },
        contextDirectory: directory,
        tags: ['mine'],
      }),
      { progress: (event) => events.push(event) },
    );
    expect(result).toMatchObject({ names: ['docker.io/library/mine:latest'], steps: { total: 3, cached: 1 } });
    const output = events.flatMap((event) => (event.type === 'step-log' ? [Buffer.from(event.chunk).toString()] : []));
    expect(output.join('')).toBe('hello\n');
    const { config } = await tools.image('mine');
    expect(config.descriptor.digest).toBe(result.imageId);
    expect(config.value.config.Labels).toEqual({ a: 'b' });
  });

  test('an error has a code, a hint and the place in the Dockerfile', async () => {
    await using tools = await open();
    const request = library.buildRequest({ dockerfile: { name: 'Dockerfile', text: 'FROM scratch\nCOPPY a b\n' } });
    const error: unknown = await tools.build(request).catch((caught: unknown) => caught);
    expect(library.isTsbuildError(error, 'DOCKERFILE_SYNTAX')).toBe(true);
    expect(error).toMatchObject({
      hint: 'Did you mean COPY?',
      source: { file: 'Dockerfile', start: { line: 2, column: 1 } },
    });
  });

  test('an abort ends a build with ABORTED', async () => {
    await using tools = await open();
    await tools.bootstrap({ tag: 'base', include: [] });
    const abort = new AbortController();
    const request = library.buildRequest({
      dockerfile: { name: 'Dockerfile', text: 'FROM base\nRUN echo on; sleep 60\n' },
    });
    const progress = (event: ProgressEvent): void => {
      if (event.type === 'step-log') abort.abort();
    };
    await expect(tools.build(request, { progress, signal: abort.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('an archive goes through memory-bounded streams from one store to another', async () => {
    await using tools = await open();
    const { imageId } = await tools.bootstrap({ tag: 'base', include: [] });
    await using others = await library.createToolchain({ storeRoot: join(directory, 'other'), env: {} });
    expect(await others.load(await tools.save(['base']))).toEqual([{ name: 'docker.io/library/base:latest', imageId }]);
  });
});

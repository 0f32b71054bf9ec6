import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tsbuild } from '../support/tsbuild.js';

let root: string;
let context: string;
let env: Record<string, string>;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-outputs-'));
  chmodSync(root, 0o755);
  env = { TSBUILD_STORE: join(root, 'store') };
  context = mkdtempSync(join(root, 'context-'));
  writeFileSync(
    join(context, 'Dockerfile'),
    [
      'FROM base AS build',
      "RUN mkdir -p /out/bin && printf 'made here' > /out/bin/tool && chmod 750 /out/bin/tool && ln -s tool /out/bin/t",
      'FROM scratch',
      'COPY --from=build /out /',
      '',
    ].join('\n'),
  );
  expect((await tsbuild(['bootstrap', '-q', '-t', 'base'], { env })).stderr).toBe('');
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

const at = (name: string): string => join(root, name);
const names = async (): Promise<string> => (await tsbuild(['images', '-q', '--no-trunc'], { env })).stdout;

test('files of the result come as a folder and as a tar, and no image is kept', async () => {
  const before = await names();
  const { stderr, exitCode } = await tsbuild(
    ['build', '-o', at('folder'), '-o', `type=tar,dest=${at('files.tar')}`, context],
    { env },
  );
  expect({ exitCode, kept: /no image kept/.test(stderr) }).toEqual({ exitCode: 0, kept: true });
  expect(readFileSync(at('folder/bin/t'), 'utf8')).toBe('made here');
  expect(statSync(at('folder/bin/tool')).mode & 0o7777).toBe(0o750);
  expect(readFileSync(at('files.tar')).includes('bin/tool')).toBe(true);
  expect(await names()).toBe(before);
});

test('a tar on standard output is nothing but the tar', async () => {
  const { stdout } = await tsbuild(['build', '-q', '-o', '-', context], { env });
  expect(stdout).toBe(readFileSync(at('files.tar'), 'utf8'));
});

test('archives of two formats and a layout hold the image under its names', async () => {
  const outputs = ['type=oci,dest=oci.tar', 'type=docker,dest=docker.tar', 'type=oci,tar=false,dest=layout'];
  const words = ['build', '-t', 'out/put:1', ...outputs.flatMap((output) => ['-o', output]), context];
  const { exitCode } = await tsbuild([...words, '--metadata-file', 'meta.json'], { env, cwd: root });
  expect(exitCode).toBe(0);
  const { 'containerimage.config.digest': id } = JSON.parse(readFileSync(at('meta.json'), 'utf8')) as Record<
    string,
    string
  >;
  for (const source of ['oci.tar', 'docker.tar', 'layout']) {
    const other = { TSBUILD_STORE: join(root, `store of ${source}`) };
    const loaded = await tsbuild(['load', '-i', at(source)], { env: other });
    expect(loaded.stdout).toBe('Loaded image: out/put:1\n');
    expect((await tsbuild(['images', '-q', '--no-trunc'], { env: other })).stdout).toBe(`${id ?? ''}\n`);
  }
});

test('cacheonly keeps no image, and a name that cannot be pushed is said before anything is built', async () => {
  const before = await names();
  expect((await tsbuild(['build', '-o', 'type=cacheonly', context], { env })).exitCode).toBe(0);
  expect(await names()).toBe(before);
  const refused = await tsbuild(['build', '--push', context], { env });
  expect(refused.stderr).toContain('cannot push the image: it has no name');
  expect(refused.exitCode).toBe(2);
});

test('an output that cannot be written fails the build, and leaves nothing half-written', async () => {
  const path = at('missing/x.tar');
  const { exitCode, stderr } = await tsbuild(['build', '-o', `type=oci,dest=${path}`, context], { env });
  expect({ exitCode, there: existsSync(at('missing')) }).toEqual({ exitCode: 8, there: false });
  expect(stderr).toContain(`cannot write file "${path}": the folder does not exist`);
});

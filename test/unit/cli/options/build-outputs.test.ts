import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { refuseAttestations } from '../../../../src/cli/options/attestations.js';
import { argumentsSpec } from '../../../../src/cli/command.js';
import { parseArguments, type ParsedArguments } from '../../../../src/cli/argv.js';
import { readOutputs, type ReadOutputs } from '../../../../src/cli/options/build-outputs.js';
import { COMMANDS } from '../../../../src/cli/tables/command-table.js';
import { testHost } from '../test-host.js';

const build = COMMANDS.find(({ name }) => name === 'build');
if (build === undefined) throw new Error('there is a command build');
const spec = argumentsSpec(build);

function parse(...words: string[]): ParsedArguments {
  return parseArguments([...words, '.'], spec);
}

function read(...words: string[]): ReadOutputs {
  return readOutputs(parse(...words), testHost({ cwd: '/here' }));
}

describe('--output', () => {
  test.each([
    ['out', { type: 'local', folder: '/here/out' }],
    ['type=local,dest=/abs', { type: 'local', folder: '/abs' }],
    ['type=tar,dest=x.tar', { type: 'tar', to: '/here/x.tar' }],
    ['type=docker,dest=x.tar', { type: 'archive', format: 'docker-archive', to: '/here/x.tar' }],
    ['type=docker', { type: 'engine' }],
    ['type=oci,dest=x.tar', { type: 'archive', format: 'oci-archive', to: '/here/x.tar' }],
    ['type=oci,tar=false,dest=x', { type: 'layout', folder: '/here/x' }],
    ['type=image', { type: 'image' }],
    ['type=image,push=false', { type: 'image' }],
    ['type=image,unpack=true,store=true', { type: 'image' }],
    ['type=registry', { type: 'registry', push: { compression: undefined, format: undefined } }],
    [
      'type=image,push=true,compression=zstd,force-compression=true,oci-mediatypes=true',
      { type: 'image', push: { compression: 'zstd', forceCompression: true, format: undefined } },
    ],
    ['type=registry,oci-mediatypes=false', { type: 'registry', push: { compression: undefined, format: 'docker' } }],
    ['type=cacheonly', { type: 'cacheonly' }],
    ['"type=tar","dest=a,b.tar"', { type: 'tar', to: '/here/a,b.tar' }],
  ] as const)('%s', (word, output) => {
    expect(read('-o', word).outputs).toEqual([output]);
  });

  test('several are several, and --push and --load stand for two of them', () => {
    const { outputs } = read('-o', 'type=oci,dest=a', '--push', '-o', 'b', '--load');
    expect(outputs.map(({ type }) => type)).toEqual(['archive', 'local', 'registry', 'engine']);
    expect(read('--push=false').outputs).toEqual([]);
  });

  test("names and annotations are the image's", () => {
    const { names, annotations } = read('-o', '"type=image","name=a,b:2",annotation.k=v,annotation-manifest.k2=v2');
    expect({ names, annotations }).toEqual({
      names: ['a', 'b:2'],
      annotations: { annotations: { k: 'v', k2: 'v2' }, placed: [] },
    });
  });

  test.each(['-', 'type=tar', 'type=oci,dest=-'])('%s goes to standard output', async (word) => {
    const stdout = new PassThrough();
    const { outputs, usesStandardOutput } = readOutputs(parse('-o', word), { ...testHost({}), stdout });
    expect(usesStandardOutput).toBe(true);
    const [output] = outputs;
    if (output === undefined || !('to' in output) || typeof output.to !== 'function') throw new Error('no sink');
    await output.to(bytes('abc'));
    stdout.end();
    expect((await buffer(stdout)).toString()).toBe('abc');
  });

  test.each([
    ['type=squashfs', 'there is no type "squashfs"'],
    ['type=imge', 'there is no type "imge"'],
    ['dest=x', 'it has no type'],
    ['type=local', 'it has no dest'],
    ['type=local,dest=-', 'a folder cannot go to standard output'],
    ['type=oci,tar=maybe', 'tar is neither true nor false'],
    ['type=image,compression=zstd', 'without push, layers stay as they are'],
    ['type=registry,compression=lz4', 'there is no compression "lz4"'],
    ['type=image,push-by-digest=true', 'type=image takes no push-by-digest here'],
    ['type=local,platform-split=maybe,dest=x', 'platform-split is neither true nor false'],
    ['type=oci,platform-split=true,dest=x', 'type=oci takes no platform-split here'],
    ['type=tar,"dest', 'it is no line of CSV'],
    ['type=tar,x', '"x" is not of the form key=value'],
  ])('%s is refused', (word, state) => {
    expect(() => read('-o', word)).toThrow(`cannot use --output "${word}": ${state}`);
  });

  test('a terminal and two results on standard output are refused', () => {
    const host = { ...testHost({}), stdout: Object.assign(new PassThrough(), { isTTY: true }) };
    expect(() => readOutputs(parse('-o', '-'), host)).toThrow('standard output is a terminal');
    expect(() => read('-o', '-', '-o', 'type=oci')).toThrow('two results go to standard output');
  });
});

describe('attestations', () => {
  test.each([
    ['--provenance=false'],
    ['--sbom', 'false', '--provenance=disabled=true'],
    ['--attest', 'type=provenance,disabled=true'],
  ])('%s: what asks for none is taken', (...words) => {
    expect(() => {
      refuseAttestations(parse(...words));
    }).not.toThrow();
  });

  test.each([
    ['provenance', 'mode=max'],
    ['sbom', 'true'],
    ['attest', 'type=sbom'],
  ])('--%s=%s is refused', (option, value) => {
    expect(() => {
      refuseAttestations(parse(`--${option}=${value}`));
    }).toThrow(`cannot use --${option} "${value}": tsbuild makes no attestations`);
  });
});

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

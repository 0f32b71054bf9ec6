import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseDockerfile } from '../../../src/parser/parse-dockerfile.js';
import { isTsbuildError } from '../../../src/support/errors.js';
import { describeDockerfile, describeError } from './describe-dockerfile.js';

const FIXTURES = new URL('../../../fixtures/dockerfiles/', import.meta.url);

const casesOf = (folder: string): string[] => readdirSync(new URL(`${folder}/`, FIXTURES)).sort();
const read = (path: string): string => readFileSync(new URL(path, FIXTURES), 'utf8');

// `vitest run -u` writes expected.txt anew: read the difference before you commit it.
const expectedFile = (path: string): string => new URL(`${path}/expected.txt`, FIXTURES).pathname;

describe('a Dockerfile that parses becomes what expected.txt says', () => {
  test.each(casesOf('parsed'))('%s', async (name) => {
    const dockerfile = parseDockerfile(read(`parsed/${name}/Dockerfile`), { file: 'Dockerfile' });
    await expect(describeDockerfile(dockerfile)).toMatchFileSnapshot(expectedFile(`parsed/${name}`));
  });
});

describe('a Dockerfile with a mistake is refused in the words of expected.txt', () => {
  test.each(casesOf('invalid'))('%s', async (name) => {
    await expect(errorOf(read(`invalid/${name}/Dockerfile`))).toMatchFileSnapshot(expectedFile(`invalid/${name}`));
  });
});

function errorOf(text: string): string {
  try {
    parseDockerfile(text, { file: 'Dockerfile' });
  } catch (error) {
    if (isTsbuildError(error)) return describeError(error);
    throw error;
  }
  return 'no error';
}

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Case } from './case.js';
import { parseCases } from './case-file.js';

const HERE = new URL('./', import.meta.url);
const ROOT = process.env['TSBUILD_CONFORMANCE_ROOT'] ?? fileURLToPath(new URL('../../', HERE));
export const REPOSITORY: string = ROOT;
export const GOLDENS: string = join(ROOT, 'test/conformance/goldens');

/** Every case there is, in a fixed order. @throws Error for a file that is none, and for two cases of one name */
export function allCases(): readonly Case[] {
  const cases = [...caseFiles(join(ROOT, 'test/conformance/cases')), ...fixtures(join(ROOT, 'fixtures/dockerfiles'))];
  const names = new Set<string>();
  for (const { name } of cases) {
    if (names.has(name)) throw new Error(`two cases are named "${name}"`);
    names.add(name);
  }
  return cases;
}

function caseFiles(folder: string): readonly Case[] {
  return sortedNames(folder)
    .filter((name) => name.endsWith('.txt'))
    .flatMap((name) => parseCases(readFileSync(join(folder, name), 'utf8'), name.replace(/\.txt$/, '')));
}

/**
 * Wrong Dockerfiles and the demo. Their base images are other people's: the base of these tests stands in for all.
 * A `conformance.txt` beside a Dockerfile has settings, as a case has them.
 */
function fixtures(root: string): readonly Case[] {
  return ['invalid', 'demo'].flatMap((kind) => {
    const folder = join(root, kind);
    if (!existsSync(folder)) return [];
    const names = kind === 'demo' ? [''] : sortedNames(folder);
    return names.map((name) => fixture(join(folder, name), kind, `${kind}${name === '' ? '' : `-${name}`}`));
  });
}

function fixture(folder: string, kind: string, name: string): Case {
  const settings = join(folder, 'conformance.txt');
  const text = existsSync(settings) ? readFileSync(settings, 'utf8') : '';
  const expect = kind === 'invalid' ? 'expect: failure\n' : '';
  const [blank] = parseCases(
    `=== ${name} | fixtures/dockerfiles/${name.replace('-', '/')}\n${expect}${text}`,
    'fixtures',
  );
  if (blank === undefined) throw new Error(`no case in ${folder}`);
  const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8').replaceAll(
    /^(FROM(?: --\S+)*) (?:debian|alpine|busybox|golang|node)(?::[\w.-]+)?(?=\s|$)/gim,
    '$1 conformance/base',
  );
  const context = join(folder, 'context');
  const files = existsSync(context) ? sortedNames(context) : [];
  const contents = files.map(
    (file) => [file, readFileSync(join(context, file)), executable(join(context, file))] as const,
  );
  const all = [['Dockerfile', Buffer.from(dockerfile), false] as const, ...contents];
  const entries = all.map(([path, bytes, isProgram]) => ({
    root: 'context',
    path,
    mode: isProgram ? 0o755 : 0o644,
    mtime: { seconds: 1_000_000_000, nanoseconds: 0 },
    content: { kind: 'file' as const, bytes },
  }));
  return { ...blank, entries };
}

const executable = (path: string): boolean => (statSync(path).mode & 0o100) !== 0;

function sortedNames(folder: string): readonly string[] {
  return readdirSync(folder).sort();
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { idRangeAdvice, type IdRangeQuestion } from '../../../src/support/id-range-advice.js';

let place: string;
let withPrograms: string;
let without: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-ids-'));
  [withPrograms, without] = [join(place, 'with'), join(place, 'without')];
  for (const folder of [withPrograms, without]) mkdirSync(folder);
  for (const name of ['newuidmap', 'newgidmap']) writeFileSync(join(withPrograms, name), '', { mode: 0o755 });
});
afterAll(() => rmSync(place, { recursive: true }));

const ask = (question: Partial<IdRangeQuestion>): string =>
  idRangeAdvice({
    userName: 'ann',
    uid: 1000,
    reason: 'it failed',
    subuid: '',
    subgid: '',
    noNewPrivileges: false,
    directories: [withPrograms],
    ...question,
  });

test('without lines it names both files, the line, and the command that adds it', () => {
  expect(ask({})).toBe(
    'To give it more, an administrator adds the line "ann:100000:65536" to /etc/subuid and to /etc/subgid (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ann).',
  );
});

test.each([
  ['behind those of others', 'bob:100000:65536\n', 'eve:165536:65536\n', '231072'],
  ['in a gap that is wide enough', 'bob:165536:65536\neve:900000:65536\n', '', '100000'],
  ['not in one that is too narrow', 'bob:120000:65536\neve:100000:10\n', '', '185536'],
  ['without heed of comments and nonsense', '# bob:100000:65536\nbob:x:1\nbob:100000:0\n', '', '100000'],
  ['even where a line covers two others', 'a:100000:900000\nb:200000:10\n', '', '1000000'],
])('the range is free: %s', (_, subuid, subgid, first) => {
  expect(ask({ subuid, subgid })).toContain(`"ann:${first}:65536"`);
});

test('names the file that lacks a line only', () => {
  const advice = ask({ subuid: '1000:100000:65536\n' });
  expect(advice).toContain('to /etc/subgid (usermod --add-subgids 165536-231071 ann)');
  expect(advice).not.toContain('/etc/subuid');
});

test('names the packages where programs are missing, with and without lines', () => {
  const lines = { subuid: 'ann:100000:65536\n', subgid: 'ann:100000:65536\n' };
  expect(ask({ ...lines, directories: [without] })).toMatch(
    /^To give it more, an administrator installs newuidmap and newgidmap \(package uidmap on Debian/,
  );
  expect(ask({ directories: [without] })).toMatch(/adds the line .*, and installs newuidmap and newgidmap/);
});

test('where both are there, says why they are of no use', () => {
  const lines = { subuid: 'ann:100000:65536\n', subgid: 'ann:100000:65536\n' };
  expect(ask(lines)).toContain('could not be used (it failed): newuidmap and newgidmap must be set-user-ID root');
  expect(ask({ ...lines, noNewPrivileges: true })).toContain('no_new_privs');
});

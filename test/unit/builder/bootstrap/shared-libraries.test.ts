import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isTsbuildError } from '../../../../src/support/errors.js';
import { elfFile, FakeHost } from './fake-host.js';

const GLIBC = '/lib64/ld-linux-x86-64.so.2';
const MUSL = '/lib/ld-musl-x86_64.so.1';

let host: FakeHost;
beforeEach(() => {
  host = FakeHost.busybox();
  host.program(GLIBC, {});
});
afterEach(() => host[Symbol.dispose]());

const filesFor = async (include: string) => [...(await host.listing({ include: [include] })).keys()];

describe('the libraries of a program', () => {
  test('come with those that they need, with the links of their names, and with the loader', async () => {
    host.program('/usr/bin/tool', { interpreter: GLIBC, needed: ['liba.so.1'] });
    host.link('/usr/lib/liba.so.1', 'liba.so.1.2.3');
    host.library('/usr/lib/liba.so.1.2.3', { needed: ['libb.so.2'] });
    host.library('/usr/lib/x86_64-linux-gnu/libb.so.2');
    host.library('/usr/lib/libunrelated.so.1');
    const files = await filesFor('tool');
    expect(files).toEqual(
      expect.arrayContaining([
        'lib64/ld-linux-x86-64.so.2',
        'usr/bin/tool',
        'usr/lib/liba.so.1',
        'usr/lib/liba.so.1.2.3',
        'usr/lib/x86_64-linux-gnu/libb.so.2',
      ]),
    );
    expect(files).not.toContain('usr/lib/libunrelated.so.1');
  });

  test('for another machine are passed over, as the loader does', async () => {
    host.program('/usr/bin/tool', { interpreter: GLIBC, needed: ['liba.so.1'] });
    host.file('/lib/x86_64-linux-gnu/liba.so.1', elfFile({ machine: 183 }));
    host.file('/usr/lib/x86_64-linux-gnu/liba.so.1', 'INPUT(-lother)');
    host.library('/usr/lib64/liba.so.1');
    const files = await filesFor('tool');
    expect(files).toContain('usr/lib64/liba.so.1');
    expect(files).not.toContain('lib/x86_64-linux-gnu/liba.so.1');
    expect(files).not.toContain('usr/lib/x86_64-linux-gnu/liba.so.1');
  });

  test('are found by $ORIGIN, where the program really is and not where a link to it is', async () => {
    host.link('/usr/bin/tool', '/opt/tool/bin/tool');
    host.program('/opt/tool/bin/tool', { interpreter: GLIBC, needed: ['liba.so.1'], runpath: '${ORIGIN}/../lib' });
    host.library('/opt/tool/lib/liba.so.1');
    expect(await filesFor('tool')).toContain('opt/tool/lib/liba.so.1');
  });

  test('inherit DT_RPATH from the program, and DT_RUNPATH not', async () => {
    host.library('/opt/lib/liba.so.1', { needed: ['libb.so.1'] });
    host.library('/opt/lib/libb.so.1');
    host.program('/usr/bin/old', { interpreter: GLIBC, needed: ['liba.so.1'], rpath: '/opt/lib' });
    expect(await filesFor('old')).toContain('opt/lib/libb.so.1');
    host.program('/usr/bin/new', { interpreter: GLIBC, needed: ['liba.so.1'], runpath: '/opt/lib' });
    await expect(filesFor('new')).rejects.toThrow('cannot include program "/usr/bin/new": its library "libb.so.1"');
  });

  test('from a directory of ld.so.conf get a link where a loader without its cache looks', async () => {
    host.file('/etc/ld.so.conf', '# comment\ninclude ld.so.conf.d/*.conf\n');
    host.file('/etc/ld.so.conf.d/a.conf', '/opt/vendor/lib # vendor\n');
    host.file('/etc/ld.so.conf.d/b.disabled', '/opt/disabled\n');
    host.program('/usr/bin/tool', { interpreter: GLIBC, needed: ['liba.so.1'] });
    host.library('/opt/vendor/lib/liba.so.1');
    host.library('/opt/disabled/libz.so.1');
    host.library('/usr/lib/libother.so.1');
    const listing = await host.listing({ include: ['tool'] });
    expect(listing.get('opt/vendor/lib/liba.so.1')).toBe('file 644');
    expect(listing.get('lib64/liba.so.1')).toBe('symlink 777 -> /opt/vendor/lib/liba.so.1');
  });

  test('ld.so.conf files that include one another come to an end', async () => {
    host.file('/etc/ld.so.conf', 'include /etc/ld.so.conf\n/opt/lib\n');
    host.program('/usr/bin/tool', { interpreter: GLIBC, needed: ['liba.so.1'] });
    host.library('/opt/lib/liba.so.1');
    expect(await filesFor('tool')).toContain('opt/lib/liba.so.1');
  });

  test('of name lookup come along only where glibc has them as files', async () => {
    host.program('/usr/bin/tool', { interpreter: GLIBC, needed: [] });
    expect((await filesFor('tool')).some((path) => path.includes('libnss'))).toBe(false);
    host.library('/usr/lib/libnss_files.so.2');
    expect(await filesFor('tool')).toContain('usr/lib/libnss_files.so.2');
  });

  test('on musl are looked for where its own configuration says, which comes along', async () => {
    host.program(MUSL, {});
    host.program('/usr/bin/tool', { interpreter: MUSL, needed: ['liba.so.1', 'libc.so', 'libpthread.so.0'] });
    host.file('/etc/ld-musl-x86_64.path', '/opt/musl\n/lib\n');
    host.library('/opt/musl/liba.so.1');
    const files = await filesFor('tool');
    expect(files).toEqual(expect.arrayContaining(['opt/musl/liba.so.1', 'etc/ld-musl-x86_64.path']));
  });

  test.each([
    ['a library', { interpreter: GLIBC, needed: ['libgone.so.1'] }, 'libgone.so.1'],
    ['the loader', { interpreter: '/lib/ld-gone.so' }, '/lib/ld-gone.so'],
  ])('%s that is missing is an error by name', async (_name, spec, missing) => {
    host.program('/usr/bin/tool', spec);
    const error: unknown = await filesFor('tool').catch((thrown: unknown) => thrown);
    expect(isTsbuildError(error, 'USAGE')).toBe(true);
    expect(error).toMatchObject({ details: { program: 'usr/bin/tool', library: missing } });
  });
});

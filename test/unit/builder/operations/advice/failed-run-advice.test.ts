import { describe, expect, test } from 'vitest';
import type { FailedRun } from '../../../../../src/builder/operations/advice/failed-run.js';
import { failedRunAdvice } from '../../../../../src/builder/operations/advice/failed-run-advice.js';

function advise(script: string, tail: string, failed: Partial<FailedRun> & { readonly exit?: number } = {}): string {
  const { exit = 1, ...rest } = failed;
  return failedRunAdvice({
    argv: ['/bin/sh', '-c', script],
    user: '',
    network: 'host',
    proxies: {},
    result: { outcome: 'exited', exitCode: exit },
    tail,
    ...rest,
  });
}

describe('the hint of a failed step', () => {
  test.each([
    [
      'apt-get install \u2013y curl',
      'E: Command line option \u2013y is not understood',
      'An en dash (U+2013) stands in "\u2013y": write "-".',
    ],
    ['apt-get install curl', 'Do you want to continue? [Y/n] Abort.', 'write "apt-get install -y".'],
    [
      'apt-get install -y curl',
      'E: Unable to locate package curl',
      'The image brings no lists of packages: write "apt-get update && apt-get install -y …" in one RUN, and check the name',
    ],
    [
      'apt-get update && apt-get install -y crul',
      'E: Unable to locate package crul',
      'The lists of packages do not have "crul": check its name',
    ],
    [
      'apt update',
      "W: Failed to fetch http://deb.debian.org/x  Temporary failure resolving 'deb.debian.org'",
      'where a proxy stands in front, set http_proxy and https_proxy',
    ],
    ['curl https://x', 'curl: (6) Could not resolve host: x', 'The network could not be reached:'],
    [
      'curl https://x',
      'curl: (60) SSL certificate problem: unable to get local issuer certificate',
      'A certificate is not trusted',
    ],
    ['pip install x', 'error: externally-managed-environment', 'python3 -m venv'],
    ['./go', '/bin/sh: 1: ./go: Exec format error', 'another kind of processor'],
    ['./run.sh', "env: 'bash\\r': No such file or directory", 'line ends of Windows'],
    ['./run.sh', '/bin/sh: ./run.sh: /bin/bash^M: bad interpreter: No such file or directory', 'line ends of Windows'],
    ['x', 'tar: x: Cannot write: No space left on device', 'The disk is full'],
    [
      'make',
      'g++: fatal error: Killed signal terminated program cc1plus\nvirtual memory exhausted: Cannot allocate memory',
      'ran out of memory',
    ],
    [
      'npm run build',
      'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
      'ran out of memory',
    ],
    ['sudo make', '/bin/sh: 1: sudo: not found', 'Leave out sudo: the step runs as root already.'],
    ['git clone x', '/bin/sh: 1: git: not found', 'The image has no "git": install it in a step above'],
    ['apt-get update', '/bin/sh: apt-get: not found', 'Alpine apk'],
    ['x', 'exec: "/bin/sh": no such file or directory', 'The image has no shell'],
    [
      './x',
      'exec: "./x": its interpreter does not exist',
      'The first line of the script names a program that the image lacks',
    ],
    ['apt-get update', 'E: setgroups 65534 failed - setgroups (1: Operation not permitted)', 'APT::Sandbox::User=root'],
    ['x', 'some output', 'The output above says why'],
  ])('%j with %j', (script, tail, advice) => {
    expect(advise(script, tail)).toContain(advice);
  });

  test.each([
    [126, 'cannot be run: make it executable'],
    [127, 'A program was not found'],
    [137, 'ran out of memory'],
    [139, 'crashed'],
    [132, 'instructions that this processor lacks'],
    [143, 'ended by SIGTERM'],
    [200, 'The output above says why'],
  ])('exit code %i in words', (exit, advice) => {
    expect(advise('x', '', { exit })).toContain(advice);
  });

  test('a signal in words', () => {
    expect(advise('x', '', { result: { outcome: 'killed', signal: 'SIGKILL' } })).toContain('ran out of memory');
    expect(advise('x', '', { result: { outcome: 'killed', signal: 'SIGSEGV' } })).toContain('crashed');
  });

  test('depends on network and user', () => {
    const unresolved = 'curl: (6) Could not resolve host: x';
    expect(advise('curl x', unresolved, { network: 'none' })).toContain('--network=none');
    expect(advise('curl x', unresolved, { proxies: { http_proxy: 'http://proxy.test:3128' } })).toContain(
      'was given http_proxy',
    );
    const denied = 'E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)';
    expect(advise('apt-get install -y x', denied, { user: 'app' })).toContain(
      'The step runs as user "app": write USER root',
    );
    expect(advise('apt-get install -y x', denied)).not.toContain('USER');
  });

  test('says that a proxy on this host is out of reach of a private network, and no password of it', () => {
    const refused = 'curl: (7) Failed to connect to 127.0.0.1 port 3128';
    const proxies = { https_proxy: 'http://ann:hunter2@127.0.0.1:3128', no_proxy: 'localhost' };
    const hidden = advise('curl x', refused, { network: 'private', proxies });
    expect(hidden).toContain('https_proxy=127.0.0.1:3128, which listens on');
    expect(hidden).toContain('--network host');
    expect(hidden).not.toContain('hunter2');
    expect(advise('curl x', refused, { proxies })).toContain('https_proxy=127.0.0.1:3128: check that it runs');
    const elsewhere = 'curl: (7) Failed to connect to proxy.test port 1';
    expect(advise('curl x', elsewhere, { network: 'private', proxies: { http_proxy: 'proxy.test:1' } })).toContain(
      'was given http_proxy: check',
    );
  });

  test('has two sentences where two things are wrong, the one that stopped it first', () => {
    expect(advise('apt-get install curl', 'E: Unable to locate package curl', { exit: 100 }).split('\n')).toEqual([
      expect.stringMatching(/^The image brings no lists of packages: .*[.]$/),
      '"apt-get install" asks before it goes on and nobody is there to answer: write "apt-get install -y".',
    ]);
  });

  test("says so when it was the step's own allowance of memory", () => {
    const result = { outcome: 'killed', signal: 'SIGKILL', outOfMemory: true } as const;
    const advice = advise('make', 'Killed', { result, allowance: { memoryBytes: 64 << 20 } });
    expect(advice).toContain('more memory than the 64 MiB that --memory allows');
  });

  test('every hint is one or more full sentences', () => {
    for (const tail of [
      'E: Unable to locate package x',
      '/bin/sh: 1: sudo: not found',
      'Killed',
      'nothing known',
      'exec format error',
    ]) {
      expect(advise('x', tail)).toMatch(/^[A-Z"].*[.]$/s);
      expect(advise('x', tail).split('\n')).toHaveLength(1);
    }
  });
});

import { always, type Cause } from '../cause.js';
import type { FailedRun } from '../failed-run.js';
import { installOf, meantProgram } from '../packages.js';

const MANAGERS: ReadonlySet<string> = new Set(['apt', 'apt-get', 'apk', 'dnf', 'yum', 'microdnf', 'zypper', 'pacman']);
const INIT =
  'No init system runs in a step, and none in most containers: write the service as CMD, or start its program itself in the same RUN.';

/** Programs and libraries that are not there, or not for this image. */
export const PROGRAM_CAUSES: readonly Cause[] = [
  {
    pattern:
      /not been booted with systemd|Failed to (?:connect to bus|get D-Bus connection)|systemctl: (?:command )?not found/,
    advice: always(INIT),
  },
  {
    pattern: /: unrecognized service$/m,
    advice: always(
      'There is no such service in the image: check its name, and that its package is installed in a step before.',
    ),
  },
  {
    pattern: /exec format error|cannot execute binary file/i,
    advice: always(
      'A program is for another kind of processor, or a script does not begin with "#!/bin/sh": see that the base image and what was copied are for this platform.',
    ),
  },
  {
    pattern: /version [`'"]?GLIBC(?:XX)?_([\d.]+)['"]? not found/,
    advice: (_, [, version = '']) =>
      `A program was made for a newer C library (${version}) than the image has: build it on the same release as the image, or take a newer base image.`,
  },
  {
    pattern:
      /Error relocating \S+: \S+: symbol not found|Error loading shared library (?:ld-linux|libc\.so\.6|libstdc\+\+)\S*/,
    advice: always(
      'A program was made for glibc, and this image has musl: take a build of it for musl, or a base image of Debian or its kin.',
    ),
  },
  {
    pattern:
      /error while loading shared libraries: (\S{1,80}): cannot open|Error loading shared library (\S{1,80}): No such file/,
    advice: (_, [, glibc, musl]) =>
      `The image lacks the library ${glibc ?? musl ?? ''}: install the package that has it, or take a build that is linked statically.`,
  },
  {
    pattern: /exec: "(?:\/bin\/sh|\/bin\/bash)": no such file or directory/,
    advice: noShell,
  },
  {
    pattern: /exec: "([^"\n]{1,200})": its interpreter does not exist|bad interpreter: No such file/,
    advice: always(
      'The first line of the script names a program that the image lacks: correct it, or install the program.',
    ),
  },
  {
    pattern: /env: (?:can't execute )?[‘'"]?([\w.+-]{1,80})[’'"]?: No such file or directory/,
    advice: missingProgram,
  },
  {
    pattern: /No module named ['"]?(pip|venv|ensurepip)\b/,
    advice: (failed) => missing(failed, 'pip'),
  },
  {
    pattern:
      /^(?:[\w./-]*sh|[\w.-]*\/[\w./-]*):(?: line)?(?: ?\d+:)? ([\w.+/-]{1,80}): (?:command )?not found|^make(?:\[\d+\])?: ([\w.+/-]{1,80}): No such file or directory|exec: "([^"\n]{1,80})": (?:executable file not found|no such)/m,
    advice: missingProgram,
  },
];

function noShell({ image, argv: [shell = ''] }: FailedRun): string {
  if (shell.endsWith('/bash') && image?.exists('/bin/sh') === true) {
    const install = installOf('bash', image.distribution);
    return `The image has no bash: ${install === undefined ? 'install it' : `write "RUN ${install}"`} above SHELL, or leave SHELL out.`;
  }
  return 'The image has no shell: run the program itself, as RUN ["/program", "argument"], or do the work in another stage and COPY --from it.';
}

function missingProgram(failed: FailedRun, [, ...names]: readonly (string | undefined)[]): string | undefined {
  const name = (names.find((each) => each !== undefined) ?? '').replace(/^.*\//, '');
  // A script that went on after it has ended with something else.
  if (name === '' || (failed.result.outcome === 'exited' && failed.result.exitCode === 0)) return undefined;
  return missing(failed, name);
}

function missing({ image }: FailedRun, name: string): string {
  if (MANAGERS.has(name)) {
    return `The image has no ${name}: Debian and Ubuntu have apt-get, Alpine apk, Fedora and its kin dnf.`;
  }
  if (name === 'python' && image?.exists('/usr/bin/python3') === true) {
    return 'The image has python3, and no "python": write python3, or install the package python-is-python3.';
  }
  const meant = meantProgram(name);
  if (meant !== undefined) return `The image has no "${name}": did you mean "${meant}"?`;
  const install = installOf(name, image?.distribution);
  if (install !== undefined) return `The image has no "${name}": write "RUN ${install}" above.`;
  return `The image has no "${name}": install it in a step above, or check its name and PATH.`;
}

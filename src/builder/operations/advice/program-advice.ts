import { isShellForm, scriptOf, type FailedRun } from './failed-run.js';
import type { ImageFacts, ProgramFlaw } from './image-facts.js';
import { installOf } from './packages.js';

/** In the words of shells, and in those of a sandbox that found no program to start. */
const REFUSED =
  /(?:^|[\s:])((?:\.{0,2}\/)?[\w.+@/-]{1,200}): (?:not found|No such file or directory|Permission denied|Exec format error|cannot execute\b|exec format error|bad interpreter)|exec: "([^"\n]{1,200})": (?!executable file)/m;

/** What is wrong with the program that could not be started, by a look at its file. */
export function programAdvice(failed: FailedRun): string | undefined {
  const { image, tail } = failed;
  if (image === undefined || !isAboutStart(failed)) return undefined;
  const [, byShell, byName] = REFUSED.exec(tail) ?? [];
  const name = byShell ?? byName;
  if (name === undefined || !isWhereItSeems(failed, name)) return undefined;
  const flaw = image.flawOf(name);
  return flaw === undefined ? undefined : inWords(name, flaw, image);
}

function isAboutStart({ result, tail }: FailedRun): boolean {
  const status = result.outcome === 'exited' ? result.exitCode : undefined;
  return status === 126 || status === 127 || /exec format error|cannot execute/i.test(tail);
}

/** Not after the script has gone elsewhere. */
function isWhereItSeems(failed: FailedRun, name: string): boolean {
  return name.startsWith('/') || !isShellForm(failed) || !/(?:^|[\s;&|(])(?:cd|pushd)\s/.test(scriptOf(failed));
}

function inWords(name: string, flaw: ProgramFlaw, image: ImageFacts): string | undefined {
  switch (flaw.kind) {
    case 'missing':
      return missing(name, image);
    case 'directory':
      return `"${name}" is a folder: name the program in it.`;
    case 'not-executable':
      return `"${name}" is not executable: COPY it with --chmod=755, or run "chmod +x ${name}" before.`;
    case 'windows-lines':
      return `"${name}" has the line ends of Windows (CRLF), so its first line names no program: save it with LF, or run "sed -i 's/\\r$//' ${name}" before; "*.sh text eol=lf" in .gitattributes keeps it so.`;
    case 'no-format':
      return `"${name}" begins neither with "#!" nor as a program does: write "#!/bin/sh" as its first line, or see what was copied there.`;
    case 'interpreter':
      return interpreterAdvice(name, flaw.interpreter, image);
    case 'loader':
      return loaderAdvice(name, flaw.loader);
    case 'machine':
      return `"${name}" is a program for ${flaw.architecture}, and the step runs on ${image.platform}: take the one for this platform, or build with --platform linux/${flaw.architecture}.`;
  }
}

/** Of a name without a folder, others know more. */
function missing(name: string, { cwd }: ImageFacts): string | undefined {
  if (!name.includes('/') || name === '/bin/sh' || name === '/bin/bash') return undefined;
  const where = name.startsWith('/') ? '' : ` below ${cwd}`;
  return `The image has no "${name}"${where}: check the path, WORKDIR, and what COPY has brought.`;
}

function interpreterAdvice(name: string, interpreter: string, { distribution }: ImageFacts): string {
  const install = installOf(interpreter.replace(/^.*\//, ''), distribution);
  const how = install === undefined ? 'install it' : `write "RUN ${install}" above`;
  return `The first line of "${name}" names "${interpreter}", which the image lacks: ${how}, or name another there.`;
}

function loaderAdvice(name: string, loader: string): string {
  const [made, other, instead] = loader.includes('musl')
    ? ['musl', 'glibc', 'Alpine']
    : ['glibc', 'musl', 'Debian or its kin'];
  return `"${name}" was made for ${made}, and the image lacks its loader "${loader}": take a build of it for ${other}, a static one, or a base image of ${instead}.`;
}

import { isDockerfileFrontend } from '../../parser/dockerfile-frontend.js';
import type { Dockerfile, Instruction, SyntaxDirective } from '../../parser/instruction.js';
import { suggest } from '../../support/suggest.js';
import type { ProgressEvent } from '../progress.js';
import { PLATFORM_ARGUMENTS } from './global-arguments.js';

/** What is said of a build as a whole, of which no line of the Dockerfile is to blame. */
export type Remark = Extract<ProgressEvent, { readonly type: 'notice' | 'warning' }>;

export interface RemarkOptions {
  readonly dockerfile: Dockerfile;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** ONBUILD triggers that run, which may declare arguments too. */
  readonly triggers: readonly Instruction[];
}

/** Arguments that say nothing to this builder, a frontend that is not run, arguments that nothing declares. */
export function remarksOf(options: RemarkOptions): readonly Remark[] {
  const { dockerfile, buildArgs } = options;
  return [
    ...frontendRemarks(dockerfile.syntax, buildArgs['BUILDKIT_SYNTAX'] ?? ''),
    ...Object.entries(buildArgs).flatMap(([name, value]) => idleRemarks(name, value)),
    ...unusedRemarks(options),
  ];
}

function frontendRemarks(syntax: SyntaxDirective | undefined, override: string): readonly Remark[] {
  const frontend = override === '' ? (syntax?.frontend ?? '') : override;
  if (frontend === '' || isDockerfileFrontend(frontend)) return [];
  const asked = override === '' ? '# syntax=' : 'BUILDKIT_SYNTAX=';
  return [
    notice(`the frontend of "${asked}${frontend}" is not run: the file is read as BuildKit's own Dockerfile language`),
  ];
}

/** Arguments that BuildKit takes for itself and that change nothing here, and why. */
const IDLE: Readonly<Record<string, string>> = {
  BUILDKIT_BUILD_NAME: 'builds have no names here',
  BUILDKIT_INLINE_CACHE: 'the cache is in the store, not in images',
  BUILDKIT_MULTI_PLATFORM: 'an image of one platform is written without an index',
  BUILDKIT_SBOM_SCAN_CONTEXT: 'nothing is scanned',
  BUILDKIT_SBOM_SCAN_STAGE: 'nothing is scanned',
};

function idleRemarks(name: string, value: string): readonly Remark[] {
  const reason = Object.hasOwn(IDLE, name) ? IDLE[name] : undefined;
  if (reason === undefined || /^(?:|0|f|false)$/i.test(value)) return [];
  return [notice(`the build argument ${name} does nothing: ${reason}`)];
}

const KNOWN: ReadonlySet<string> = new Set([
  ...PLATFORM_ARGUMENTS,
  ...['HTTP', 'HTTPS', 'FTP', 'NO', 'ALL'].flatMap((name) => [`${name}_PROXY`, `${name}_proxy`.toLowerCase()]),
  ...Object.keys(IDLE),
  ...['CACHE_MOUNT_NS', 'CONTEXT_KEEP_GIT_DIR', 'DOCKERFILE_CHECK', 'SANDBOX_HOSTNAME', 'SYNTAX'].map(
    (name) => `BUILDKIT_${name}`,
  ),
  'SOURCE_DATE_EPOCH',
]);

/** Never an error: one set of arguments may serve many Dockerfiles. */
function unusedRemarks({ dockerfile, buildArgs, triggers }: RemarkOptions): readonly Remark[] {
  const own = dockerfile.stages.flatMap(({ instructions }) => instructions);
  const declared = new Set(
    [...dockerfile.globalArgs, ...own, ...triggers].flatMap((instruction) =>
      instruction.keyword === 'ARG' ? instruction.entries.map(({ name }) => name) : [],
    ),
  );
  const names = Object.keys(buildArgs);
  const candidates = [...declared, ...KNOWN].filter((name) => !names.includes(name));
  return names
    .filter((name) => !declared.has(name) && !KNOWN.has(name))
    .map((name) => {
      const near = suggest(name, candidates);
      const question = near === undefined ? '' : ` (did you mean ${near}?)`;
      return { type: 'warning', message: `the build argument ${name} is not used: no ARG declares it${question}` };
    });
}

function notice(message: string): Remark {
  return { type: 'notice', message };
}

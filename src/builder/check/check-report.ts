import { type CheckOptions, isReported, parseCheckOptions } from '../../parser/checks/check-options.js';
import { findRule, isDockerRule } from '../../parser/checks/rules.js';
import type { Dockerfile, ParseWarning } from '../../parser/instruction.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';

/** The build argument that takes the place of `# check=` at the top of the file. */
const OVERRIDE = 'BUILDKIT_DOCKERFILE_CHECK';

/** The warnings of one build or check, less those that are asked to be skipped, each once. */
export class CheckReport {
  readonly #options: CheckOptions;
  readonly #file: string;
  readonly #quiet: boolean;
  readonly #warnings: ParseWarning[] = [];
  readonly #seen = new Set<string>();
  readonly #onWarning: (warning: ParseWarning) => void;

  /**
   * @param options `quiet`: rules that are for `tsbuild check` alone say nothing
   * @throws `USAGE` for a BUILDKIT_DOCKERFILE_CHECK that is none
   */
  constructor(options: {
    readonly dockerfile: Pick<Dockerfile, 'check' | 'file'>;
    readonly buildArgs: Readonly<Record<string, string>>;
    readonly quiet: boolean;
    readonly onWarning?: (warning: ParseWarning) => void;
  }) {
    const override = Object.hasOwn(options.buildArgs, OVERRIDE) ? options.buildArgs[OVERRIDE] : undefined;
    this.#options = override === undefined ? options.dockerfile.check : parseOverride(override);
    this.#file = options.dockerfile.file;
    this.#quiet = options.quiet;
    this.#onWarning = options.onWarning ?? (() => undefined);
  }

  /** In the order of the file. */
  get warnings(): readonly ParseWarning[] {
    return this.#warnings.toSorted(
      (a, b) => a.source.start.line - b.source.start.line || a.source.start.column - b.source.start.column,
    );
  }

  readonly add = (warning: ParseWarning): void => {
    const { rule, message, source, check } = warning;
    if (!isReported(rule, this.#options, check) || (this.#quiet && findRule(rule)?.quiet === true)) return;
    const key = JSON.stringify([rule, message, source]);
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#warnings.push(warning);
    this.#onWarning(warning);
  };

  /**
   * The error that `# check=error=true` makes of warnings, or `undefined`. Our own rules make none: what BuildKit builds, we build.
   */
  failure(): TsbuildError | undefined {
    if (!this.#options.failOnWarning) return undefined;
    const failed = this.warnings.filter(({ rule }) => isDockerRule(rule));
    const [first] = failed;
    if (first === undefined) return undefined;
    const list = failed.map(({ rule, message, source }) => `  line ${source.start.line}: ${rule}: ${message}`);
    const count = failed.length === 1 ? 'a check has failed' : `${failed.length} checks have failed`;
    return new TsbuildError(
      'DOCKERFILE_SEMANTICS',
      `cannot accept Dockerfile "${this.#file}": ${count}\n${list.join('\n')}`,
      {
        source: first.source,
        hint: `"check=error=true" asks for this; mend the lines, or skip a rule with "# check=skip=${first.rule};error=true".`,
      },
    );
  }
}

function parseOverride(text: string): CheckOptions {
  try {
    return parseCheckOptions(text);
  } catch (cause) {
    if (!isTsbuildError(cause)) throw cause;
    throw new TsbuildError('USAGE', `cannot use --build-arg ${OVERRIDE}="${text}": ${cause.message}`, {
      hint: `Write it as in ${OVERRIDE}="skip=RuleA,RuleB;error=true", or "skip=all".`,
      cause,
    });
  }
}

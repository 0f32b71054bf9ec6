import type { SourceRange } from '../support/source-range.js';
import type { CheckOptions } from './checks/check-options.js';

declare const templateBrand: unique symbol;

/** Text whose variables are not yet expanded, quotes and escapes as written. `expandTemplate` makes plain text of it. */
export type Template = string & { readonly [templateBrand]: true };

/** `shell`: one string for the shell. `exec`: the words of a JSON array, taken as they are. */
export type CommandLine =
  { readonly form: 'shell'; readonly script: string } | { readonly form: 'exec'; readonly argv: readonly string[] };

/** A document that stands in the Dockerfile itself, behind the line that names it. */
export interface Heredoc {
  /** The word behind `<<` without its quotes; in COPY and ADD the file's name. */
  readonly name: string;
  /** Every line with its line feed; leading tabs are gone where the word was written with `<<-`. */
  readonly content: string;
  /** Whether COPY and ADD expand variables in it: no part of the word was quoted. */
  readonly expand: boolean;
  /** The lines of the content; in a trigger, as all its ranges, the FROM that brought it in. */
  readonly source: SourceRange;
}

/** `heredoc`: a RUN that consists of one heredoc and nothing else, which is a script of its own. */
export type RunCommand = CommandLine | { readonly form: 'heredoc'; readonly heredoc: Heredoc };

/** The value of one `--mount`, still with its variables; `parseMount` reads it. */
export interface MountFlag {
  readonly text: string;
  readonly source: SourceRange;
}

/** The value of one `--device`: a CDI name, as `nvidia.com/gpu=all`. */
export interface DeviceFlag {
  readonly name: string;
  readonly required: boolean;
}

interface Base<K extends string> {
  readonly keyword: K;
  readonly source: SourceRange;
  /** The logical line: continuations joined, comments dropped, keyword and flags included. For messages and history. */
  readonly text: string;
  /** What a `check=…` comment above it asks for. */
  readonly check?: CheckOptions;
}

export interface RunInstruction extends Base<'RUN'> {
  /** A shell form that has heredocs among other words holds them as they are written: the shell reads them. */
  readonly command: RunCommand;
  readonly network: 'default' | 'none' | 'host';
  readonly security: 'sandbox' | 'insecure';
  readonly mounts: readonly MountFlag[];
  readonly devices: readonly DeviceFlag[];
}

/** COPY or ADD: `from` as written, neither expanded nor lower-cased. */
export interface CopyInstruction extends Base<'COPY' | 'ADD'> {
  readonly sources: readonly Template[];
  /** Heredocs among the sources; they are copied after all others, as BuildKit does. */
  readonly files: readonly Heredoc[];
  readonly destination: Template;
  readonly from?: string;
  readonly chown?: Template;
  readonly chmod?: Template;
  readonly link: boolean;
  readonly parents: boolean;
  /** Patterns of the ignore-file language, as written: no variables. */
  readonly exclude: readonly string[];
  /** ADD only: of a URL's content or of a git commit. */
  readonly checksum?: Template;
  /** ADD only: absent where the flag is not given. */
  readonly keepGitDir?: boolean;
  /** ADD only; absent, local archives are unpacked and fetched ones are not. */
  readonly unpack?: boolean;
}

export interface KeyValue {
  readonly name: Template;
  readonly value: Template;
}

export interface EnvInstruction extends Base<'ENV'> {
  readonly entries: readonly KeyValue[];
  /** Written without `=`, as `ENV name value`. */
  readonly legacy?: true;
}
export interface LabelInstruction extends Base<'LABEL'> {
  readonly entries: readonly KeyValue[];
  /** Written without `=`, as `LABEL name value`. */
  readonly legacy?: true;
}
export interface ArgInstruction extends Base<'ARG'> {
  readonly entries: readonly ArgEntry[];
}
export interface ArgEntry {
  readonly name: string;
  readonly value?: Template;
  /** From a comment above the instruction: `# name description`. */
  readonly description?: string;
}
export interface WorkdirInstruction extends Base<'WORKDIR'> {
  readonly path: Template;
}
export interface UserInstruction extends Base<'USER'> {
  readonly user: Template;
}
export interface CommandInstruction extends Base<'CMD' | 'ENTRYPOINT'> {
  readonly command: CommandLine;
}
export interface ShellInstruction extends Base<'SHELL'> {
  readonly shell: readonly [string, ...string[]];
}
export interface ExposeInstruction extends Base<'EXPOSE'> {
  readonly ports: readonly Template[];
}
export interface VolumeInstruction extends Base<'VOLUME'> {
  readonly paths: readonly Template[];
}
export interface StopSignalInstruction extends Base<'STOPSIGNAL'> {
  readonly signal: Template;
}
export interface HealthcheckInstruction extends Base<'HEALTHCHECK'> {
  /** `null` for NONE. */
  readonly command: CommandLine | null;
  /** Nanoseconds, as Go's time.Duration. Absent: not given. */
  readonly interval?: number;
  readonly timeout?: number;
  readonly startPeriod?: number;
  readonly startInterval?: number;
  readonly retries?: number;
}
export interface MaintainerInstruction extends Base<'MAINTAINER'> {
  readonly name: string;
}
/** The trigger's text is parsed again by the build that uses the image. */
export interface OnbuildInstruction extends Base<'ONBUILD'> {
  readonly trigger: string;
}

export type Instruction =
  | RunInstruction
  | CopyInstruction
  | EnvInstruction
  | LabelInstruction
  | ArgInstruction
  | WorkdirInstruction
  | UserInstruction
  | CommandInstruction
  | ShellInstruction
  | ExposeInstruction
  | VolumeInstruction
  | StopSignalInstruction
  | HealthcheckInstruction
  | MaintainerInstruction
  | OnbuildInstruction;

export interface Stage {
  readonly index: number;
  /** Lower-cased; absent without AS. */
  readonly name?: string;
  /** What follows FROM: an image, an earlier stage or `scratch`. */
  readonly base: Template;
  readonly platform?: Template;
  /** From a comment above the FROM line: `# name description`. */
  readonly description?: string;
  readonly instructions: readonly Instruction[];
  /** The FROM line. */
  readonly source: SourceRange;
  readonly text: string;
  /** What a `check=…` comment above the FROM line asks for. */
  readonly check?: CheckOptions;
}

export interface ParseWarning {
  /** The name of BuildKit's rule, as `StageNameCasing`, or of one of ours, as `tsbuild/LostVariable`. */
  readonly rule: string;
  readonly message: string;
  readonly source: SourceRange;
  /** What the comment above the instruction asks for; still to be followed. */
  readonly check?: CheckOptions;
}

/** `# syntax=image`: which frontend BuildKit would run. Noted, and never run. */
export interface SyntaxDirective {
  readonly frontend: string;
  readonly source: SourceRange;
}

/** Plain data throughout: it may be stored as JSON and read back. */
export interface Dockerfile {
  /** As the user named it; every `SourceRange` carries the same. */
  readonly file: string;
  readonly escape: '\\' | '`';
  readonly syntax?: SyntaxDirective;
  /** ARG instructions before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[];
  readonly stages: readonly [Stage, ...Stage[]];
  /** What `# check=` at the top of the file asks for. */
  readonly check: CheckOptions;
  /** What the parser alone can tell, in the order of the file; also what the file asks to skip. */
  readonly warnings: readonly ParseWarning[];
}

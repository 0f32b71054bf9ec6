import { posix } from 'node:path';
import type { CopyInstruction, Heredoc } from '../../../parser/instruction.js';
import { TsbuildError } from '../../../support/errors.js';
import type { VertexId } from '../../graph.js';
import { locating } from '../../locating.js';
import type { CopySource } from '../../operation.js';
import { remoteOperation } from '../../sources/remote-operation.js';
import { remoteSource, type RemoteSource } from '../../sources/remote-source.js';
import type { InstructionContext } from '../instruction-context.js';

/** The sources of a COPY or ADD: paths and URLs in the order they are written, then heredocs, as BuildKit copies them. */
export class CopySources {
  readonly planned: readonly CopySource[];
  /** What they are read from, for the inputs of the operation behind the first. */
  readonly inputs: readonly VertexId[];
  /** As history has them. */
  readonly shown: readonly string[];
  /** The instruction as a user sees it, and records of it do: without what addresses in it keep secret. */
  readonly text: string;

  /** @throws `DOCKERFILE_SEMANTICS` */
  constructor(instruction: CopyInstruction, context: InstructionContext) {
    const { files } = instruction;
    const written = instruction.sources.map(context.expand);
    const sources = written.map((text) => ({ text, remote: remoteOf(text, instruction) }));
    const flags = new RemoteFlags(instruction, sources, context);
    if (context.from === undefined) {
      for (const { text, remote } of sources) {
        if (remote === undefined) context.checks.contextPath(instruction.keyword, text);
      }
    }
    const inputs = new Inputs(context, instruction);
    this.planned = [
      ...sources.map(({ text, remote }) =>
        remote === undefined ? pathSource(text, instruction.parents, inputs.files()) : flags.plan(remote, inputs),
      ),
      ...files.map((file) => inlineSource(file, instruction, context)),
    ];
    this.inputs = inputs.list;
    this.text = sources
      .reduce(
        (text, { text: address, remote }) => text.replaceAll(address, shownSource(address, remote)),
        instruction.text,
      )
      .replace(USER_INFO, '$1…@');
    this.shown = [
      ...sources.map(({ text, remote }) => shownSource(text, remote)),
      ...files.map(({ name }) => `<<${name}`),
    ];
  }
}

/** As it is written, but for what may be secret: users and passwords, and the query of a URL; that of a repository is none. */
function shownSource(text: string, remote: RemoteSource | undefined): string {
  if (remote === undefined || (remote.kind === 'git' && !text.includes('@'))) return text;
  return remote.shown;
}

/** Of an address that has variables in it, and so is not found as it is. */
const USER_INFO = /(\b[a-z]+:\/\/)[^\s/@]*:[^\s/@]*@/g;

/** Numbers what is copied from; the first input is what is copied into. */
class Inputs {
  readonly #context: InstructionContext;
  readonly #instruction: CopyInstruction;
  readonly #list: VertexId[] = [];

  constructor(context: InstructionContext, instruction: CopyInstruction) {
    this.#context = context;
    this.#instruction = instruction;
  }

  get list(): readonly VertexId[] {
    return this.#list;
  }

  /** The build context, or what `--from` names. */
  files(): number {
    const { build, from } = this.#context;
    return this.#number(from === undefined ? build.context() : build.rootfsOf(from, this.#instruction.source));
  }

  remote(operation: ReturnType<typeof remoteOperation>, shown: string): number {
    const { source } = this.#instruction;
    const fetched = { kind: 'remote', operation, label: `fetch ${shown}` } as const;
    return this.#number(this.#context.build.rootfsOf(fetched, source));
  }

  #number(vertex: VertexId): number {
    const known = this.#list.indexOf(vertex);
    return known === -1 ? this.#list.push(vertex) : known + 1;
  }
}

function remoteOf(text: string, instruction: CopyInstruction): RemoteSource | undefined {
  const { keyword, source } = instruction;
  const remote = locating(instruction, () => remoteSource(text));
  if (remote === undefined || keyword === 'ADD') return remote;
  throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot copy "${remote.shown}": COPY takes files, not URLs`, {
    hint: 'ADD takes URLs and git repositories.',
    source,
  });
}

/** The flags of ADD that are for remote sources. */
class RemoteFlags {
  readonly #instruction: CopyInstruction;
  readonly #checksum: string | undefined;

  constructor(
    instruction: CopyInstruction,
    sources: readonly { readonly text: string; readonly remote: RemoteSource | undefined }[],
    { expand, checks }: InstructionContext,
  ) {
    const { checksum, keepGitDir, source } = instruction;
    this.#instruction = instruction;
    this.#checksum = checksum === undefined ? undefined : expand(checksum);
    if (this.#checksum !== undefined && this.#checksum !== '') {
      const [only] = sources;
      if (sources.length !== 1 || instruction.files.length > 0)
        throw unchecked(source, 'there is more than one source');
      if (only?.remote === undefined)
        throw unchecked(source, `"${only?.text ?? ''}" is neither a URL nor a repository`);
    }
    if (keepGitDir !== undefined && !sources.some(({ remote }) => remote?.kind === 'git')) {
      checks.flagWithoutEffect('--keep-git-dir has no effect on ADD without a git repository');
    }
  }

  plan(remote: RemoteSource, inputs: Inputs): CopySource {
    const { keepGitDir } = this.#instruction;
    const operation = locating(this.#instruction, () =>
      remoteOperation(remote, { checksum: this.#checksum, keepGitDir }),
    );
    const name = operation.kind === 'http' ? operation.name : '';
    return { kind: 'remote', input: inputs.remote(operation, remote.shown), name };
  }
}

/** dockerfile.md 103 */
function unchecked(source: CopyInstruction['source'], state: string): TsbuildError {
  return new TsbuildError('DOCKERFILE_SEMANTICS', `cannot check what is added: ${state}`, {
    hint: 'Give --checksum to an ADD of its own for each URL or repository.',
    source,
  });
}

function pathSource(text: string, parents: boolean, input: number): CopySource {
  if (!parents) return { kind: 'path', input, pattern: clipped(text) };
  const cut = text.indexOf('/./');
  if (cut === -1) return { kind: 'path', input, pattern: clipped(text) };
  return { kind: 'path', input, pattern: clipped(text.slice(cut + 3)), pivot: clipped(text.slice(0, cut)) };
}

/** `..` stops at the root; a slash at the end says nothing about a source. */
function clipped(path: string): string {
  return posix.normalize(`/${path}`).replace(/^\/+|\/+$/g, '');
}

function inlineSource(file: Heredoc, { keyword }: CopyInstruction, { expandHeredoc }: InstructionContext): CopySource {
  const { name, source } = file;
  if (!/^\.{0,2}$|\//.test(name)) return { kind: 'inline', name, content: expandHeredoc(file) };
  const action = `cannot ${keyword === 'COPY' ? 'copy' : 'add'} heredoc "${name}"`;
  throw new TsbuildError('DOCKERFILE_SEMANTICS', `${action}: its word is no name for a file`, {
    hint: 'The file is called as the word behind "<<": give one without slashes, and the folder in the destination.',
    source,
  });
}

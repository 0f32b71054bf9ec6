import { isFunctionName } from './functions.js';
import { segmentsOf, type Segment, type Word } from './lexer.js';
import type { Call, FunctionName, Node, Operand, Pipeline, Template } from './template.js';
import { templateError } from './template-error.js';

const BLOCKS: ReadonlySet<string> = new Set(['if', 'with', 'range']);
const REFUSED: ReadonlySet<string> = new Set(['define', 'template', 'block']);

/**
 * A template as Docker's `--format` takes it: Go's text/template (pkg.go.dev/text/template) but for templates within templates.
 * @throws `USAGE` that names the piece which is wrong
 */
export function parseTemplate(text: string): Template {
  const parser = new Parser(segmentsOf(text));
  const { nodes, end } = parser.nodes(false);
  if (end !== undefined) throw templateError(end.source, 'there is nothing that it could end');
  return nodes;
}

interface End {
  readonly source: string;
  /** What follows `else`, as in `{{else if .A}}`; `undefined` for `end`. */
  readonly otherwise: readonly Word[] | undefined;
}

class Parser {
  readonly #segments: readonly Segment[];
  #at = 0;

  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
  }

  /** Up to `{{else}}`, `{{end}}`, or the end of everything. */
  nodes(inRange: boolean): { readonly nodes: readonly Node[]; readonly end: End | undefined } {
    const nodes: Node[] = [];
    for (let segment = this.#segments[this.#at]; segment !== undefined; segment = this.#segments[this.#at]) {
      this.#at += 1;
      if (segment.kind === 'text') {
        nodes.push(segment);
        continue;
      }
      const { source, words } = segment;
      const [first] = words;
      const keyword = first?.kind === 'name' ? first.text : '';
      if (keyword === 'end') return { nodes, end: { source, otherwise: undefined } };
      if (keyword === 'else') return { nodes, end: { source, otherwise: words.slice(1) } };
      nodes.push(this.#action(words, { source, keyword, inRange }));
    }
    return { nodes, end: undefined };
  }

  #action(
    words: readonly Word[],
    { source, keyword, inRange }: { readonly source: string; readonly keyword: string; readonly inRange: boolean },
  ): Node {
    if (REFUSED.has(keyword)) throw templateError(source, `there is no "${keyword}" here`);
    if (keyword === 'break' || keyword === 'continue') {
      if (!inRange) throw templateError(source, `it is not within {{range}}`);
      return { kind: keyword };
    }
    if (BLOCKS.has(keyword)) return this.#block(words, { source, inRange });
    return { kind: 'print', source, pipeline: parsePipeline(words, source) };
  }

  #block(
    [keyword, ...words]: readonly Word[],
    { source, inRange }: { readonly source: string; readonly inRange: boolean },
  ): Node {
    const kind = keyword?.text === 'range' ? 'range' : keyword?.text === 'with' ? 'with' : 'if';
    const pipeline = parsePipeline(words, source);
    const within = inRange || kind === 'range';
    const { nodes: then, end } = this.nodes(within);
    if (end === undefined) throw templateError(source, 'it has no {{end}}');
    return { kind, source, pipeline, then, otherwise: this.#otherwise(end, { opened: source, inRange }) };
  }

  #otherwise(
    { source, otherwise }: End,
    { opened, inRange }: { readonly opened: string; readonly inRange: boolean },
  ): readonly Node[] {
    if (otherwise === undefined) return [];
    if (otherwise.length > 0) return [this.#block(otherwise, { source, inRange })];
    const { nodes, end } = this.nodes(inRange);
    if (end === undefined) throw templateError(opened, 'it has no {{end}}');
    if (end.otherwise !== undefined) throw templateError(end.source, 'it follows another {{else}}');
    return nodes;
  }
}

function parsePipeline(words: readonly Word[], source: string): Pipeline {
  const reader = new WordReader(words, source);
  const pipeline = reader.pipeline();
  reader.expectEnd();
  return pipeline;
}

class WordReader {
  readonly #words: readonly Word[];
  readonly #source: string;
  #at = 0;

  constructor(words: readonly Word[], source: string) {
    this.#words = words;
    this.#source = source;
  }

  pipeline(): Pipeline {
    const { variables, declares } = this.#variables();
    const calls = [this.#call()];
    while (this.#take('|')) calls.push(this.#call());
    return { variables, declares, calls };
  }

  expectEnd(): void {
    const word = this.#words[this.#at];
    if (word !== undefined) throw templateError(this.#source, `"${word.text}" has no meaning there`);
  }

  #variables(): Pick<Pipeline, 'variables' | 'declares'> {
    for (const count of [1, 2]) {
      const words = this.#words.slice(this.#at, this.#at + 2 * count);
      const names = words.filter((_, index) => index % 2 === 0);
      const marks = words.flatMap(({ text }, index) => (index % 2 === 0 ? [] : [text])).join('');
      if (names.length !== count || !names.every(({ kind }) => kind === 'variable')) continue;
      if (!(count === 1 ? [':=', '='] : [',:=', ',=']).includes(marks)) continue;
      this.#at += 2 * count;
      return { variables: names.map(({ text }) => text), declares: marks.endsWith(':=') };
    }
    return { variables: [], declares: false };
  }

  #call(): Call {
    const first = this.#operand();
    if (first === undefined) throw templateError(this.#source, 'a value is missing');
    const operands: (Operand | FunctionName)[] = [];
    for (let operand = this.#operand(); operand !== undefined; operand = this.#operand()) operands.push(operand);
    if (first.kind === 'call') return { kind: 'function', name: first.name, operands };
    if (operands.length > 0) throw templateError(this.#source, 'only functions take arguments');
    return { kind: 'operand', operand: first };
  }

  #operand(): Operand | FunctionName | undefined {
    const word = this.#words[this.#at];
    if (word === undefined || (word.kind === 'mark' && word.text !== '(')) return undefined;
    this.#at += 1;
    if (word.kind === 'literal') return { kind: 'literal', value: word.value ?? null };
    if (word.kind === 'name') return this.#name(word.text);
    if (word.kind === 'variable') return { kind: 'variable', name: word.text, path: this.#path() };
    if (word.kind === 'dot') return { kind: 'dot', path: [] };
    if (word.kind === 'field') return { kind: 'dot', path: [word.text.slice(1), ...this.#path()] };
    const pipeline = this.pipeline();
    if (!this.#take(')')) throw templateError(this.#source, 'its parentheses are not closed');
    return { kind: 'pipeline', pipeline, path: this.#path() };
  }

  #name(name: string): Operand | FunctionName {
    if (name === 'true' || name === 'false') return { kind: 'literal', value: name === 'true' };
    if (name === 'nil') return { kind: 'literal', value: null };
    if (!isFunctionName(name)) throw templateError(this.#source, `there is no function "${name}"`);
    return { kind: 'call', name };
  }

  /** The members that follow without a space. */
  #path(): readonly string[] {
    const path: string[] = [];
    for (let word = this.#words[this.#at]; word?.kind === 'field' && word.joined; word = this.#words[this.#at]) {
      path.push(word.text.slice(1));
      this.#at += 1;
    }
    return path;
  }

  #take(mark: string): boolean {
    const word = this.#words[this.#at];
    if (word?.kind !== 'mark' || word.text !== mark) return false;
    this.#at += 1;
    return true;
  }
}

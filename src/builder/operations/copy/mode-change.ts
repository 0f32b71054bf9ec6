/** What `--chmod` does to the mode of each file. */
export interface ModeChange {
  /** Of all permission bits: an octal mode says it, a symbolic one depends on the file. */
  readonly absolute: number | undefined;
  apply(mode: number, file: { readonly isDirectory: boolean }): number;
}

const SET_USER = 0o4000;
const SET_GROUP = 0o2000;
const STICKY = 0o1000;
/** What `a` stands for, and `=` without anyone named. */
const ALL = 0o6777;
const EXECUTE = 0o111;

/** The bits of each of the users, groups, others. */
const WHO: Readonly<Record<string, number>> = { a: ALL, u: SET_USER | 0o700, g: SET_GROUP | 0o070, o: 0o007 };
const SHIFT: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };
const PLAIN: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: EXECUTE };

type Step = (mode: number, original: { readonly mode: number; readonly isDirectory: boolean }) => number;

const CLAUSE = /^([ugoa]*)((?:[-+=][rwxXstugo]*)+)$/;

/**
 * Reads octal digits up to 7777, or clauses as chmod(1) has them, in the way BuildKit does: the rules of BSD's setmode(3) with a
 * mask of 0, so that `+x` is for everyone. `undefined` when the text is neither.
 */
export function parseModeChange(text: string): ModeChange | undefined {
  if (/^[0-7]+$/.test(text)) {
    const absolute = Number.parseInt(text, 8);
    return absolute > 0o7777 ? undefined : { absolute, apply: () => absolute };
  }
  const steps: Step[] = [];
  for (const clause of text.split(',')) {
    const match = CLAUSE.exec(clause);
    if (match === null) return undefined;
    const [, who = '', actions = ''] = match;
    for (const action of actions.match(/[-+=][rwxXstugo]*/g) ?? []) steps.push(...readAction(who, action));
  }
  return {
    absolute: undefined,
    apply: (mode, { isDirectory }) => steps.reduce((changed, step) => step(changed, { mode, isDirectory }), mode),
  };
}

function readAction(who: string, action: string): readonly Step[] {
  const [operator = '', ...letters] = Array.from(action);
  return new ActionReader(who, operator).read(letters);
}

/** One operator and its letters. Copies (`g=u`) take effect in the order of the letters, all others together between them. */
class ActionReader {
  readonly #operator: string;
  readonly #steps: Step[] = [];
  #who: number;
  #bits = 0;
  #conditional = 0;
  /** `=` clears once, however many letters it has; each copy clears for itself. */
  #cleared = false;

  constructor(who: string, operator: string) {
    this.#operator = operator;
    this.#who = Array.from(who).reduce((bits, letter) => bits | (WHO[letter] ?? 0), 0);
  }

  read(letters: readonly string[]): readonly Step[] {
    for (const letter of letters) {
      const shift = SHIFT[letter];
      if (shift === undefined) this.#add(letter);
      else this.#copy(shift);
    }
    this.#flush(this.#operator === '=' && !this.#cleared);
    return this.#steps;
  }

  #add(letter: string): void {
    const forOthersOnly = this.#who !== 0 && (this.#who & ~0o007) === 0;
    if (letter === 'X' && this.#operator !== '-') this.#conditional = EXECUTE;
    else if (letter === 'X') this.#bits |= EXECUTE;
    else if (letter === 's' && !forOthersOnly) this.#bits |= SET_USER | SET_GROUP;
    else if (letter === 't' && !forOthersOnly) {
      this.#who |= STICKY;
      this.#bits |= STICKY;
    } else this.#bits |= PLAIN[letter] ?? 0;
  }

  #flush(always: boolean): void {
    const who = this.#who;
    const bits = who === 0 ? this.#bits : who & this.#bits;
    const conditional = who === 0 ? this.#conditional : who & this.#conditional;
    if (always || this.#bits !== 0) {
      this.#steps.push(plainStep(this.#operator, bits, who === 0 ? ALL : who));
      this.#cleared = true;
    }
    if (conditional !== 0) {
      this.#steps.push((mode, { mode: original, isDirectory }) =>
        isDirectory || (original & EXECUTE) !== 0 ? mode | conditional : mode,
      );
    }
    this.#bits = this.#conditional = 0;
  }

  #copy(shift: number): void {
    this.#flush(false);
    this.#cleared = true;
    const takers = [0o700, 0o070, 0o007].filter((bits) => this.#who === 0 || (this.#who & bits & 0o444) !== 0);
    const taken = takers.reduce((all, bits) => all | bits, 0);
    const operator = this.#operator;
    this.#steps.push((mode) => plainStep(operator, (((mode >> shift) & 7) * 0o111) & taken, taken)(mode));
  }
}

function plainStep(operator: string, bits: number, cleared: number): (mode: number) => number {
  switch (operator) {
    case '+':
      return (mode) => mode | bits;
    case '-':
      return (mode) => mode & ~bits;
    default:
      return (mode) => (mode & ~cleared) | bits;
  }
}

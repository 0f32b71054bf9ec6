import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readableText } from '../../support/readable-text.js';
import { programHeader, type ProcessorKind } from './machines.js';

/** An entry of binfmt_misc (the kernel's admin-guide/binfmt-misc.rst) that is switched on. */
export interface RegisteredEmulator {
  readonly name: string;
  /** Absolute path. */
  readonly interpreter: string;
  /** Whether the interpreter was opened when it was registered (flag F): else each root file system has to have it. */
  readonly isOpen: boolean;
  readonly offset: number;
  readonly magic: Uint8Array;
  readonly mask: Uint8Array;
}

export const BINFMT_FOLDER = '/proc/sys/fs/binfmt_misc';

/** What the machine has registered; nothing where binfmt_misc is not mounted, or is switched off. */
export function registeredEmulators(folder: string = BINFMT_FOLDER): readonly RegisteredEmulator[] {
  if (readableText(join(folder, 'status'))?.trim() !== 'enabled') return [];
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const text = name === 'register' || name === 'status' ? undefined : readableText(join(folder, name));
      return text === undefined ? [] : (parseEntry(name, text) ?? []);
    });
}

function parseEntry(name: string, text: string): RegisteredEmulator | undefined {
  const value = (key: string): string | undefined => new RegExp(`^${key}:? (.*)$`, 'm').exec(text)?.[1];
  const [interpreter, magic] = [value('interpreter'), value('magic')];
  // Of entries by file name extension no program begins with anything.
  if (!text.startsWith('enabled') || interpreter === undefined || magic === undefined) return undefined;
  const bytes = Buffer.from(magic, 'hex');
  const mask = value('mask');
  return {
    name,
    interpreter,
    isOpen: (value('flags') ?? '').includes('F'),
    offset: Number(value('offset') ?? 0),
    magic: bytes,
    mask: mask === undefined ? Buffer.alloc(bytes.length, 0xff) : Buffer.from(mask, 'hex'),
  };
}

/** Whether programs for such a processor are given to it. */
export function runsProgramsFor({ offset, magic, mask }: RegisteredEmulator, kind: ProcessorKind): boolean {
  const header = programHeader(kind);
  return (
    magic.length > 0 &&
    offset + magic.length <= header.length &&
    magic.every((byte, index) => {
      const counts = mask[index] ?? 0xff;
      return (byte & counts) === ((header[offset + index] ?? 0) & counts);
    })
  );
}

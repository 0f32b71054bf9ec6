import { readFileSync } from 'node:fs';
import { tsbuild, type CliResult } from '../tsbuild.js';

/** Those that change what a disk holds, or wait for it. openat counts where it makes a file. */
const CALLS = [
  'openat,write,pwrite64,writev,copy_file_range,ftruncate,fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat,symlink',
  'mkdir,mkdirat,rmdir,unlink,unlinkat,mknodat,chmod,fchmod,fchmodat,fchown,lchown,fchownat,utimensat,flock,setxattr,lsetxattr',
].join(',');

/** A file system call of a command that ran undisturbed. */
export interface Call {
  readonly name: string;
  /** The how manieth of its name in its thread, from 1: strace counts so. */
  readonly nth: number;
  /** As strace shows it, with the paths of descriptors. */
  readonly text: string;
}

export interface Command {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** What is to become of a call: `signal=KILL`, before it is made, or `error=EIO`, in its place. */
export interface Injection {
  readonly call: Pick<Call, 'name' | 'nth'>;
  readonly fault: string;
}

/** Milliseconds. A command that is still there then hangs. */
const LONGEST = 30_000;

export interface Traced extends CliResult {
  readonly calls: readonly Call[];
  /** What strace says of the calls that it made fail. */
  readonly failed: readonly string[];
}

/**
 * Runs a command under strace, with at most one injected fault. Everything of one thread pool: then the order of its calls, which
 * strace counts by thread, is the same from run to run.
 * @param log a file of the caller's
 */
export async function runTraced(command: Command, log: string, injection?: Injection): Promise<Traced> {
  const inject =
    injection === undefined
      ? []
      : ['-e', `inject=${injection.call.name}:${injection.fault}:when=${injection.call.nth}`];
  const under = ['strace', '-f', '-qq', '-y', '-s', '16', '-o', log, '-e', `trace=${CALLS}`, ...inject];
  const env = { ...command.env, UV_THREADPOOL_SIZE: '1' };
  const result = await tsbuild(command.args, { ...command, env, under, killAfterMs: LONGEST });
  if (result.signal === 'SIGKILL' && injection?.fault !== 'signal=KILL') {
    throw new Error(`tsbuild ${command.args.join(' ')} hangs`);
  }
  const text = readFileSync(log, 'utf8');
  return { ...result, calls: readCalls(text), failed: text.split('\n').filter((line) => line.includes('(INJECTED)')) };
}

function readCalls(log: string): readonly Call[] {
  const counts = new Map<string, number>();
  return log.split('\n').flatMap((line) => {
    const [, thread = '', text = '', name = ''] = /^(\d+) +((\w+)\(.*)$/.exec(line) ?? [];
    if (name === '') return [];
    const nth = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, nth);
    return [{ name, nth, text }];
  });
}

/**
 * The calls below a folder at which a command can be killed: of those that have the same number in two threads, the first alone
 * ever comes to it.
 */
export function killableCalls(calls: readonly Call[], folder: string): readonly Call[] {
  const taken = new Set<string>();
  return calls.filter((call) => {
    const first = !taken.has(keyOf(call));
    taken.add(keyOf(call));
    return first && isWithin(call, folder);
  });
}

/** The calls below a folder of which one can be made to fail without another of the same number, in another thread, that is not there. */
export function failableCalls(calls: readonly Call[], folder: string): readonly Call[] {
  const outside = new Set(calls.filter((call) => !isWithin(call, folder)).map(keyOf));
  return killableCalls(calls, folder).filter((call) => !outside.has(keyOf(call)));
}

function keyOf({ name, nth }: Call): string {
  return `${name} ${nth}`;
}

/** Node itself opens files for reading, writes to descriptors that wake its threads, and syncs its outputs when it ends. */
function isWithin({ name, text }: Call, folder: string): boolean {
  return text.includes(`${folder}/`) && (name !== 'openat' || text.includes('O_CREAT'));
}

/** Every k-th, so that there are `count` at most, with the last. */
export function sampled<T>(all: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, Math.ceil(all.length / count));
  return all.filter((_, index) => (all.length - 1 - index) % step === 0);
}

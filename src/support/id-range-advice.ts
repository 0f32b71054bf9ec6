import { findSystemProgram } from './system-program.js';

export interface IdRangeQuestion {
  readonly userName: string;
  readonly uid: number;
  /** Why a namespace with ranges was refused, where there are ranges and programs. */
  readonly reason: string;
  /** The texts of /etc/subuid and /etc/subgid. */
  readonly subuid: string;
  readonly subgid: string;
  readonly noNewPrivileges: boolean;
  /** Where newuidmap and newgidmap are looked for; absent: where the machine has its own programs. */
  readonly directories?: readonly string[] | undefined;
}

/** As many ids as images have, but for a few very large ones: all that 16 bits can say. */
const RANGE_LENGTH = 65_536;
/** Where shadow's useradd begins (SUB_UID_MIN of login.defs(5)), above all users. */
const FIRST_SUBORDINATE = 100_000;
const MAX_ID = 0xffff_fffe;

/** What an administrator does so that steps of this user have users of their own, as full sentences: only what is missing. */
export function idRangeAdvice(question: IdRangeQuestion): string {
  const todo = [linesAdvice(question), programsAdvice(question)].filter((one) => one !== undefined);
  if (todo.length > 0) return `To give it more, an administrator ${todo.join(', and ')}.`;
  const cause = question.noNewPrivileges
    ? 'this process runs with no_new_privs, as in some containers, and under it newuidmap has no rights: start it without (--security-opt no-new-privileges=false)'
    : 'newuidmap and newgidmap must be set-user-ID root, or have the capabilities cap_setuid and cap_setgid, on a file system that is not mounted nosuid';
  return `It has ranges in /etc/subuid and /etc/subgid that could not be used (${question.reason}): ${cause}.`;
}

function linesAdvice(question: IdRangeQuestion): string | undefined {
  const { userName, uid, subuid, subgid } = question;
  const owners = [userName, String(uid)];
  const lacking = [
    { file: '/etc/subuid', option: '--add-subuids', text: subuid },
    { file: '/etc/subgid', option: '--add-subgids', text: subgid },
  ].filter(({ text }) => !rangesIn(text).some(({ owner }) => owners.includes(owner)));
  if (lacking.length === 0) return undefined;
  const first = freeRange([...rangesIn(subuid), ...rangesIn(subgid)]);
  const last = first + RANGE_LENGTH - 1;
  const command = ['usermod', ...lacking.map(({ option }) => `${option} ${first}-${last}`), userName].join(' ');
  const files = lacking.map(({ file }) => `to ${file}`).join(' and ');
  return `adds the line "${userName}:${first}:${RANGE_LENGTH}" ${files} (${command})`;
}

function programsAdvice({ directories }: IdRangeQuestion): string | undefined {
  const missing = ['newuidmap', 'newgidmap'].filter((name) => findSystemProgram(name, directories) === undefined);
  if (missing.length === 0) return undefined;
  return `installs ${missing.join(' and ')} (package uidmap on Debian and Ubuntu, shadow-utils on Fedora, shadow-uidmap on Alpine)`;
}

interface OwnedRange {
  readonly owner: string;
  readonly first: number;
  readonly end: number;
}

/** Lines of `owner:first:count` (subuid(5)). */
function rangesIn(text: string): readonly OwnedRange[] {
  return text.split('\n').flatMap((line) => {
    const [, owner, first, count] = /^([^#:][^:]*):(\d{1,10}):(\d{1,10})\s*$/.exec(line) ?? [];
    if (owner === undefined || Number(count) === 0) return [];
    return [{ owner, first: Number(first), end: Number(first) + Number(count) }];
  });
}

/** The lowest range of that length that nobody has, so that no two users can touch each other's files. */
function freeRange(taken: readonly OwnedRange[]): number {
  let first = FIRST_SUBORDINATE;
  for (const range of taken.toSorted((one, other) => one.first - other.first)) {
    if (range.end <= first) continue;
    if (range.first >= first + RANGE_LENGTH) break;
    first = range.end;
  }
  return first + RANGE_LENGTH - 1 <= MAX_ID ? first : FIRST_SUBORDINATE;
}

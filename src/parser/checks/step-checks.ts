import type {
  CopyInstruction,
  EnvInstruction,
  Heredoc,
  Instruction,
  LabelInstruction,
  RunInstruction,
} from '../instruction.js';
import type { Finding } from './finding.js';
import { pastedCharacters } from './pasted-character.js';
import { lostEffects } from './script/lost-effect.js';
import { missingYes, sudoInRun, updateAlone, userBeforeInstall } from './script/package-manager.js';
import { runCommands } from './script/run-commands.js';
import { secretValues } from './secret-value.js';

/** What our own rules say of an instruction; `user` is what USER says above it. */
export function stepFindings(instruction: Instruction, user: string): readonly Finding[] {
  const findings = [...textFindings(instruction)];
  if (instruction.keyword === 'RUN') findings.push(...runFindings(instruction, user));
  if (instruction.keyword === 'ENV') findings.push(...proxyInImage(instruction));
  if (instruction.keyword === 'ENV' || instruction.keyword === 'LABEL')
    findings.push(...blankAroundEquals(instruction));
  findings.push(...brokenJson(instruction));
  if (instruction.keyword === 'ADD') findings.push(...addInsteadOfCopy(instruction));
  return findings;
}

/** Where typography is no mistake. */
const PROSE: ReadonlySet<Instruction['keyword']> = new Set(['LABEL', 'MAINTAINER']);

function textFindings(instruction: Instruction): readonly Finding[] {
  const heredocs = heredocsOf(instruction);
  const pasted = PROSE.has(instruction.keyword) ? [] : pastedCharacters(instruction.text);
  const inScripts = instruction.keyword === 'RUN' ? heredocs.flatMap(({ content }) => pastedCharacters(content)) : [];
  return [
    ...pasted,
    ...inScripts,
    ...secretValues([instruction.text, ...heredocs.map(({ content }) => content)].join('\n')),
  ];
}

function heredocsOf(instruction: Instruction): readonly Heredoc[] {
  if (instruction.keyword === 'RUN') return instruction.command.form === 'heredoc' ? [instruction.command.heredoc] : [];
  return instruction.keyword === 'COPY' || instruction.keyword === 'ADD' ? instruction.files : [];
}

function runFindings({ command }: RunInstruction, user: string): readonly Finding[] {
  const commands = runCommands(command);
  return [
    ...lostEffects(commands),
    ...missingYes(commands),
    ...updateAlone(commands),
    ...sudoInRun(commands),
    ...userBeforeInstall(commands, user),
  ];
}

const PROXIES: ReadonlySet<string> = new Set(['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy']);

function proxyInImage({ entries }: EnvInstruction): readonly Finding[] {
  return entries
    .filter(({ name, value }) => PROXIES.has(name.toLowerCase()) && !/^(?:""|'')?$/.test(value))
    .map(({ name }) => ({
      rule: 'tsbuild/ProxyInImage',
      message: `"ENV ${name}" puts the proxy into the image: delete the line, and build with --build-arg ${name}=… where the environment has no proxy`,
    }));
}

/** `ENV A = b` is the old form, in which all behind the name is the value. */
function blankAroundEquals({ keyword, entries, legacy }: EnvInstruction | LabelInstruction): readonly Finding[] {
  const [entry] = entries;
  if (legacy !== true || entry?.value.startsWith('=') !== true) return [];
  const { name, value } = entry;
  const wanted = value.slice(1).trim().slice(0, 60);
  const message = `"${keyword} ${name} ${value.slice(0, 60)}" sets a value that begins with "=": write "${keyword} ${name}=${wanted}"`;
  return [{ rule: 'tsbuild/BlankAroundEquals', message }];
}

/** A list in brackets with a quoted word at its start; `[ "$A" = b ]` is a test. */
const LIST = /^\[\s*["'\u2018\u201c][^[\]]*\]$/;
const TEST = /\s(?:=|==|!=|-[a-z]+)\s/;

function brokenJson(instruction: Instruction): readonly Finding[] {
  if (!('command' in instruction) || instruction.command?.form !== 'shell') return [];
  const { script } = instruction.command;
  if (!LIST.test(script.trim()) || TEST.test(script)) return [];
  const message = `${script.trim().slice(0, 60)} is no JSON array, so the shell gets it, brackets and all: put every word in double quotes and commas between`;
  return [{ rule: 'tsbuild/BrokenJson', message }];
}

/** What ADD alone can do: fetch, and unpack an archive. Where variables stand, nobody knows yet. */
const FOR_ADD = /:\/\/|^git@|\.git(?:#|$)|\$|\.(?:tar|tgz|tbz2?|txz|tzst|tar\.\w+|gz|bz2|xz|zst)$|[*?[]/i;

function addInsteadOfCopy(instruction: CopyInstruction): readonly Finding[] {
  const { sources, files, checksum, keepGitDir, unpack } = instruction;
  if (checksum !== undefined || keepGitDir !== undefined || unpack !== undefined) return [];
  if (sources.some((source) => FOR_ADD.test(source)) || sources.length + files.length === 0) return [];
  const shown = [...sources, ...files.map(({ name }) => `<<${name}`)].join(' ').slice(0, 60);
  return [{ rule: 'tsbuild/AddInsteadOfCopy', message: `"ADD ${shown}" only copies: write COPY` }];
}

import { asTemplate } from '../expand-template.js';
import type {
  ExposeInstruction,
  MaintainerInstruction,
  StopSignalInstruction,
  UserInstruction,
  VolumeInstruction,
  WorkdirInstruction,
} from '../instruction.js';
import { trimSpace } from '../white-space.js';
import { parsePaths } from './copy-instructions.js';
import { refuseFlags } from './flags.js';
import { type RawInstruction, syntaxError } from './raw-instruction.js';
import { splitWords } from './values/words.js';

export function parseWorkdir(raw: RawInstruction): WorkdirInstruction {
  const path = asTemplate(restOfLine(raw, 'a path, as in "WORKDIR /app"'));
  return { keyword: 'WORKDIR', source: raw.source, text: raw.text, path };
}

export function parseUser(raw: RawInstruction): UserInstruction {
  const user = asTemplate(restOfLine(raw, 'a user, as in "USER 1000:1000"'));
  return { keyword: 'USER', source: raw.source, text: raw.text, user };
}

export function parseStopSignal(raw: RawInstruction): StopSignalInstruction {
  const signal = asTemplate(restOfLine(raw, 'a signal, as in "STOPSIGNAL SIGTERM"'));
  return { keyword: 'STOPSIGNAL', source: raw.source, text: raw.text, signal };
}

export function parseMaintainer(raw: RawInstruction): MaintainerInstruction {
  const name = restOfLine(raw, 'a name; better yet, write LABEL org.opencontainers.image.authors="name"');
  raw.report({
    rule: 'MaintainerDeprecated',
    message: 'Maintainer instruction is deprecated in favor of using label',
  });
  return { keyword: 'MAINTAINER', source: raw.source, text: raw.text, name };
}

/** All that follows the keyword is one argument, blanks included. */
function restOfLine(raw: RawInstruction, wanted: string): string {
  refuseFlags(raw);
  if (raw.args.text === '') throw syntaxError(raw, 'it has no argument', { hint: `Write ${wanted}.` });
  return raw.args.text;
}

/** The ports come sorted, as BuildKit has them in its history. */
export function parseExpose(raw: RawInstruction): ExposeInstruction {
  refuseFlags(raw);
  const ports = [...splitWords(raw.args.text)].sort().map(asTemplate);
  if (ports.length === 0) throw syntaxError(raw, 'it names no port', { hint: 'Write "EXPOSE 80" or "EXPOSE 53/udp".' });
  return { keyword: 'EXPOSE', source: raw.source, text: raw.text, ports };
}

export function parseVolume(raw: RawInstruction): VolumeInstruction {
  refuseFlags(raw);
  const paths = parsePaths(raw).map((path) => asTemplate(trimSpace(path)));
  const hint = 'Write "VOLUME /data" or VOLUME ["/data"].';
  if (paths.length === 0) throw syntaxError(raw, 'it names no path', { hint });
  if (paths.some((path) => path === '')) throw syntaxError(raw, 'one of its paths is empty', { hint });
  return { keyword: 'VOLUME', source: raw.source, text: raw.text, paths };
}

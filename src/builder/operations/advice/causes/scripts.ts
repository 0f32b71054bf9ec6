import { always, type Cause } from '../cause.js';
import { isShellForm, scriptOf, type FailedRun } from '../failed-run.js';

const CRLF =
  'A script has the line ends of Windows (CRLF): save it with LF, or run "sed -i \'s/\\r$//\' FILE" before it; "*.sh text eol=lf" in .gitattributes keeps it so.';

/** Scripts, and the shell that a RUN is for. */
export const SCRIPT_CAUSES: readonly Cause[] = [
  {
    // Shells print the return itself, or leave out what it stands for: "Illegal option -".
    pattern:
      /\\r['":]|\^M|\r: (?:command )?not found|\$'\\r'|bad interpreter: .*\r|[Ii]llegal option -\r?$|set: -\r?: invalid option/m,
    advice: always(CRLF),
  },
  {
    pattern: /[Ii]llegal option -o pipefail|invalid option name: pipefail/,
    advice: always(
      'The shell of the step is /bin/sh, which knows no pipefail: write SHELL ["/bin/bash", "-o", "pipefail", "-c"] above, if the image has bash.',
    ),
  },
  {
    pattern: /(?:^|[\s:])(source|pushd|popd|shopt|declare|\[\[): (?:command )?not found/m,
    advice: (_, [, word = '']) => {
      const instead = word === 'source' ? 'write ". FILE" instead, or ' : '';
      return `The shell of the step is /bin/sh, which has no "${word}": ${instead}write SHELL ["/bin/bash", "-c"] above, if the image has bash.`;
    },
  },
  {
    pattern: /\bsh: (?:line )?\d*:? ?(?:Bad substitution|Syntax error: "\(" unexpected|syntax error: unexpected "\(")/i,
    advice: always(
      'The shell of the step is /bin/sh, and the command is written for bash: write SHELL ["/bin/bash", "-c"] above, if the image has bash.',
    ),
  },
  { pattern: /\[: (?:line \d+: )?missing '?\]'?/, advice: brokenArray },
  { pattern: /cannot (?:access|stat|open)|No such file|unrecognized|invalid|extra operand/i, advice: wordsForAShell },
  {
    pattern: /Argument list too long|\bE2BIG\b/i,
    advice: always(
      'The arguments of a program are more than the kernel takes: hand them over in pieces with xargs, or in a file.',
    ),
  },
  {
    pattern: /text file busy|\bETXTBSY\b/i,
    advice: always(
      'A program is started while a file of it is still open for writing: write it in one RUN, and start it in the next.',
    ),
  },
];

/** What was meant for a list of words is a command for the shell if it is no JSON. */
function brokenArray(failed: FailedRun): string | undefined {
  if (!isShellForm(failed) || !/^\s*\[\s*["']/.test(scriptOf(failed))) return undefined;
  return 'The shell ran it, as it is no JSON: write double quotes around each word, commas between them, and none behind the last.';
}

function wordsForAShell(failed: FailedRun): string | undefined {
  if (isShellForm(failed)) return undefined;
  const word = failed.argv.find((each) => /^(?:\|\|?|&&|;|[12]?>{1,2}|<)$/.test(each) || /^\$\{?\w+\}?$/.test(each));
  if (word === undefined) return undefined;
  return `No shell is run for a list of words, so "${word}" was handed to the program as it is: write RUN and the command without brackets.`;
}

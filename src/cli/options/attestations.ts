import { usageError, type ParsedArguments } from '../argv.js';

const HINT = 'Leave it out, or write --provenance=false --sbom=false, which scripts for docker buildx do.';

/** None are made: what asks for none is taken, all else refused. @throws `USAGE` */
export function refuseAttestations(parsed: ParsedArguments): void {
  for (const option of ['provenance', 'sbom']) {
    const value = parsed.value(option);
    if (value !== undefined && !isOff(value)) throw refused(option, value);
  }
  for (const value of parsed.list('attest')) {
    if (!value.split(',').some((field) => /^disabled=(?:true|1)$/i.test(field.trim()))) throw refused('attest', value);
  }
}

function isOff(value: string): boolean {
  return ['false', '0', 'f'].includes(value.toLowerCase()) || /(?:^|,)disabled=(?:true|1)(?:,|$)/i.test(value);
}

function refused(option: string, value: string): Error {
  return usageError(
    { command: 'tsbuild build' },
    `cannot use --${option} "${value}": tsbuild makes no attestations`,
    HINT,
  );
}

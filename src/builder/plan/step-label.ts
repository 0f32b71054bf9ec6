const LONGEST = 400;

/** `[builder 2/5] RUN make`: numbers are padded to the width of the total; the stage is left out where there is only one. */
export function stepLabel(options: {
  readonly stage: string | undefined;
  readonly number: number;
  readonly total: number;
  readonly text: string;
}): string {
  const total = String(options.total);
  const number = String(options.number).padStart(total.length);
  const stage = options.stage === undefined ? '' : `${options.stage} `;
  return `[${stage}${number}/${total}] ${shortened(options.text)}`;
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

import type { Stage } from '../../parser/instruction.js';
import { location } from './check-json.js';
import { tabulated } from './tabulated.js';

/** The stages of a file, as `docker build --call=targets` prints them. */
export function targetsText(stages: readonly Stage[]): string {
  const rows = stages.map(({ name = '', description = '' }, index) => {
    const isDefault = index === stages.length - 1;
    const shown = [...(name === '' ? [] : [name]), ...(isDefault ? ['(default)'] : [])].join(' ');
    return [shown, description];
  });
  return tabulated([['TARGET', 'DESCRIPTION'], ...rows], 1);
}

export function targetsJson(stages: readonly Stage[], text: string): string {
  const targets = stages.map(({ name, description, base, platform, source }, index) => ({
    ...(name !== undefined && { name }),
    ...(index === stages.length - 1 && { default: true }),
    ...(description !== undefined && { description }),
    base,
    ...(platform !== undefined && { platform }),
    location: location(source),
  }));
  return `${JSON.stringify({ targets, sources: [Buffer.from(text).toString('base64')] }, undefined, 2)}\n`;
}

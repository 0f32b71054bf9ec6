import { clip, fill, widthOf, type TextForm } from '../text/clip.js';
import type { ViewRow } from './layout.js';

/** Columns that a label keeps, however wide what stands at the right is. */
const NARROWEST = 10;

/** A row as so many columns, or fewer where nothing stands at its right edge. */
export function rowText({ text, right }: Pick<ViewRow, 'text' | 'right'>, columns: number, form: TextForm): string {
  const wanted = widthOf(right, form.measure) + 1;
  if (right === '' || columns - wanted < NARROWEST) return clip(text, columns, form);
  const room = columns - wanted;
  return `${fill(clip(text, room, form), room, form.measure)} ${right}`;
}

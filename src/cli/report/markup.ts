import { escapeControls } from '../text/terminal-text.js';

/** HTML that is safe to put into HTML. Only `html` and `trusted` make it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = string | number | Markup | undefined | readonly Content[];

/** A template of HTML: what is put in is escaped, unless it is HTML itself. `undefined` is nothing, a list one after the other. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  const texts = parts.map((part, index) => part + (index < contents.length ? textOf(contents[index]) : ''));
  return new Markup(texts.join(''));
}

/** HTML that this program has made itself. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

function textOf(content: Content): string {
  if (content === undefined) return '';
  if (content instanceof Markup) return content.text;
  return typeof content === 'object' ? content.map(textOf).join('') : escapeHtml(String(content));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  const lines = text.split('\n').map(escapeControls);
  return lines.join('\n').replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

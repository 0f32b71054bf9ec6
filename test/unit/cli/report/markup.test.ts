import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html, trusted } from '../../../../src/cli/report/markup.js';

test('what is put into HTML is text, but for HTML itself', () => {
  expect(html`<p title="${'"\'&<'}">${'<b>'}${html`<i>${1}</i>`}${undefined}${['a', trusted('<br>')]}</p>`.text).toBe(
    '<p title="&quot;&#39;&amp;&lt;">&lt;b&gt;<i>1</i>a<br></p>',
  );
});

test('no text opens a tag, ends an attribute or turns the direction of text', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'<>&"\'a\0\n\u202e\u2066;#x/') }), (text) => {
      expect(html`${text}`.text).not.toMatch(/[<>"'\u202a-\u202e\u2066-\u2069\0]/);
    }),
  );
});

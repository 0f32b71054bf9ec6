import { describe, expect, test } from 'vitest';
import { rowFormatter } from '../../../src/cli/template/format-rows.js';
import { parseTemplate } from '../../../src/cli/template/parse-template.js';
import { renderTemplate } from '../../../src/cli/template/render-template.js';

const IMAGE = {
  Id: 'sha256:0123456789',
  Os: 'linux',
  Size: 42,
  Config: { User: '', Env: ['PATH=/bin', 'A=b c'], Labels: { b: '2', a: '1' }, Tty: false },
  RootFS: { Layers: ['one', 'two'] },
};

function render(text: string): string {
  return renderTemplate(parseTemplate(text), IMAGE);
}

describe('a template is filled in as Docker fills it in:', () => {
  test.each([
    ['{{.Os}} {{ .Size }}', 'linux 42'],
    ['{{.Config.Env}} {{.Config.Labels}}', '[PATH=/bin A=b c] map[a:1 b:2]'],
    ['{{json .Config.Env}} {{.Config.Env | json}}', '["PATH=/bin","A=b c"] ["PATH=/bin","A=b c"]'],
    ['{{range .Config.Env}}{{println .}}{{end}}', 'PATH=/bin\nA=b c\n'],
    ['{{range $i, $e := .Config.Env}}{{$i}}={{$e}};{{end}}', '0=PATH=/bin;1=A=b c;'],
    ['{{range $k, $v := .Config.Labels}}{{$k}}{{$v}}{{end}}', 'a1b2'],
    ['{{range .Config.Nothing}}x{{else}}none{{end}}', 'none'],
    ['{{range .Config.Env}}{{.}}{{break}}{{end}}', 'PATH=/bin'],
    ['{{range .RootFS.Layers}}{{if eq . "one"}}{{continue}}{{end}}{{.}}{{end}}', 'two'],
    ['{{if .Config.User}}user{{else}}nobody{{end}}', 'nobody'],
    ['{{if eq .Os "x"}}X{{else if eq .Os "y" "linux"}}L{{else}}O{{end}}', 'L'],
    ['{{with .Config}}{{index .Env 0}} {{index .Labels "a"}} {{index .Labels "z"}}.{{end}}', 'PATH=/bin 1 .'],
    ['{{with $x := .Size}}{{$x}} {{.}} {{$.Os}}{{end}}', '42 42 linux'],
    ['{{$n := 1}}{{range .RootFS.Layers}}{{$n = .}}{{end}}{{$n}}', 'two'],
    ['{{len .RootFS.Layers}} {{len .Os}} {{len .Config.Labels}}', '2 5 2'],
    [
      '{{.Os | upper | printf "%-8s|"}}{{printf "%05d %q %.2s %t" .Size .Os .Os .Config.Tty}}',
      'LINUX   |00042 "linux" li false',
    ],
    ['{{printf "%d %s" .Os}}{{printf "%5s%%" .Os}}', '%!d(linux) %!s(MISSING)linux%'],
    ['{{join .Config.Env ", "}} {{split .Os "n"}}', 'PATH=/bin, A=b c [li ux]'],
    ['{{title .Os}} {{truncate .Id 9}} {{pad .Os 2 3}}|{{lower "ABC"}}', 'Linux sha256:01   linux   |abc'],
    ['{{slice .Id 7 10}} {{slice .RootFS.Layers 1}}', '012 [two]'],
    ['{{and .Os .Config.User}}|{{or .Config.User .Os}}|{{not .Os}}', '|linux|false'],
    ['{{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge "b" "a"}} {{ne .Os "x"}}', 'true true false true true'],
    ['{{print 1 2 "a" "b" 3}}', '1 2ab3'],
    ['a  {{- .Os -}}  b{{/* {{ no }} */}}c {{- /* and */ -}} d', 'alinuxbcd'],
    ['{{(index .Config.Env 1)}} {{(.Config).User}}{{"}}"}}{{`\\`}}', 'A=b c }}\\'],
    ['{{.Config.Missing.Deeper}}{{json .Config.Missing}}', 'null'],
  ])('%s', (template, expected) => {
    expect(render(template)).toBe(expected);
  });
});

describe('a template is refused', () => {
  test.each([
    ['{{.Nope}}', 'cannot use --format ".Nope": there is no such member'],
    ['{{.Os', 'cannot use --format "{{.Os": its braces are not closed'],
    ['{{nosuch .Os}}', 'there is no function "nosuch"'],
    ['{{if}}{{end}}', 'a value is missing'],
    ['{{if .Os}}', 'it has no {{end}}'],
    ['{{if .Os}}{{else}}', 'it has no {{end}}'],
    ['{{if .Os}}{{else}}{{else}}{{end}}', 'it follows another {{else}}'],
    ['{{end}}', 'there is nothing that it could end'],
    ['{{break}}', 'it is not within {{range}}'],
    ['{{template "x"}}', 'there is no "template" here'],
    ['{{.Os .Id}}', 'only functions take arguments'],
    ['{{"x" | .Os}}', 'only functions take what is piped'],
    ['{{(.Os}}', 'its parentheses are not closed'],
    ['{{.Os)}}', '")" has no meaning there'],
    ['{{.Os ; }}', '";" has no meaning there'],
    ['{{$x}}', 'there is no variable "$x"'],
    ['{{"\\q"}}', 'has an unknown escape'],
    ['{{range .Os}}{{end}}', '"linux" is not a list'],
    ['{{index .RootFS.Layers 2}}', 'there is no element 2 of 2'],
    ['{{slice .Os 3 9}}', '3 to 9 is not within 5'],
    ['{{upper .Size}}', '"42" is not a text'],
    ['{{eq .Config .Config}}', 'cannot be compared'],
    ['{{lt 1 "a"}}', 'neither two numbers nor two texts'],
    ['{{truncate .Os "a"}}', 'is not a number from 0'],
  ])('%s', (template, message) => {
    expect(() => render(template)).toThrow(message);
  });
});

describe('rowFormatter()', () => {
  const shape = { headings: { ID: 'IMAGE ID', Tag: 'TAG' }, columns: ['Tag', 'ID'] };
  const rows = [
    { ID: '1', Tag: 'latest' },
    { ID: '22', Tag: 'x' },
  ];

  test.each([
    ['table', 'TAG       IMAGE ID\nlatest    1\nx         22\n'],
    ['table {{.ID}}\\t{{.Tag}}', 'IMAGE ID   TAG\n1          latest\n22         x\n'],
    ['json', '{"ID":"1","Tag":"latest"}\n{"ID":"22","Tag":"x"}\n'],
    ['{{.Tag}}\\n- {{.ID}}', 'latest\n- 1\nx\n- 22\n'],
  ])('shows rows as %s', (format, expected) => {
    expect(rowFormatter(format, shape)(rows)).toBe(expected);
  });

  test('takes no other words', () => {
    expect(() => rowFormatter('xml', shape)).toThrow('cannot use --format "xml": no such format');
  });
});

import { describe, expect, test } from 'vitest';
import { stepFindings } from '../../../../src/parser/checks/step-checks.js';
import { parseDockerfile } from '../../../../src/parser/parse-dockerfile.js';

/** What our rules say of one instruction, as `Rule: message`. */
function findings(instruction: string, user = ''): readonly string[] {
  const [stage] = parseDockerfile(`FROM debian:12\n${instruction}\n`, { file: 'Dockerfile' }).stages;
  const [first] = stage.instructions;
  if (first === undefined) throw new Error('there is no instruction');
  return stepFindings(first, user).map(({ rule, message }) => `${rule.replace('tsbuild/', '')}: ${message}`);
}

const ruleOf = (instruction: string, user?: string): readonly string[] =>
  findings(instruction, user).map((finding) => finding.replace(/:.*/s, ''));

describe('characters that look like ASCII ones', () => {
  test.each([
    ['RUN apt-get install \u2013y curl', 'an en dash (U+2013) stands in "\u2013y": write "-"'],
    ['RUN apt-get install \u2014yes curl', 'an em dash (U+2014) stands in "\u2014yes": write "-"'],
    [
      'RUN apt-get -y install\u00a0curl',
      'a no-break space (U+00A0) stands in the line behind "install": write a plain blank',
    ],
    ['RUN echo \u201chi\u201d', 'a curly quote (U+201C) stands in "\u201chi\u201d": write a straight quote (")'],
    ['CMD [\u201csh\u201d]', 'a curly quote (U+201C) stands in "[\u201csh\u201d]": write a straight quote (")'],
    ['ENV A=\u2018b\u2019', 'a curly quote (U+2018) stands in "A=\u2018b\u2019": write a straight quote (\')'],
    ['COPY \u2013\u2013from=x a b', 'an en dash (U+2013) stands in "\u2013\u2013from=x": write "-"'],
    ['RUN <<EOF\ncurl \u2013o x\nEOF', 'an en dash (U+2013) stands in "\u2013o": write "-"'],
  ])('%j', (instruction, message) => {
    expect(findings(instruction)).toContain(`PastedCharacter: ${message}`);
  });

  test.each([
    'RUN echo "a \u2013 b \u201cc\u201d"',
    'RUN echo a\u2013b',
    'RUN echo a \u2013 b',
    "RUN echo 'd\u2019accord'",
    'RUN echo d\u2019accord',
    'LABEL note=a\u2013b note2="\u201cx\u201d"',
    'MAINTAINER \u201cme\u201d',
    'RUN make # \u2013y',
  ])('are left alone in %j', (instruction) => {
    expect(ruleOf(instruction)).not.toContain('PastedCharacter');
  });
});

describe('what ends with the step', () => {
  test.each([
    ['RUN export A=1', '"export A=1" is lost when the step ends: write "ENV A=1", or ARG for the build alone'],
    [
      'RUN make && export PATH=/x:$PATH',
      '"export PATH=/x:$PATH" is lost when the step ends: write "ENV PATH=/x:$PATH", or ARG for the build alone',
    ],
    ['RUN export N=$(nproc)', '"export N=$(nproc)" is lost when the step ends: use it in the same RUN, joined with &&'],
    ['RUN A=1', '"A=1" is lost when the step ends: write "ENV A=1", or ARG for the build alone'],
    [
      'RUN . /opt/venv/bin/activate',
      'what ". /opt/venv/bin/activate" sets is lost when the step ends: write "ENV PATH=/opt/venv/bin:$PATH"',
    ],
    [
      'RUN conda activate tf',
      'what "conda activate tf" sets is lost when the step ends: join what needs it to the same RUN with &&, or write ENV',
    ],
    [
      'RUN ["sh", "-c", "export A=1"]',
      '"export A=1" is lost when the step ends: write "ENV A=1", or ARG for the build alone',
    ],
    [
      'RUN <<EOF\nmake\nexport A=1\nEOF',
      '"export A=1" is lost when the step ends: write "ENV A=1", or ARG for the build alone',
    ],
  ])('%j', (instruction, message) => {
    expect(findings(instruction)).toEqual([`LostVariable: ${message}`]);
  });

  test.each([
    [
      'RUN cd /app',
      '"cd /app" holds to the end of the step only: write "WORKDIR /app", or join the next command with &&',
    ],
    [
      'RUN mkdir x && cd x',
      '"cd x" holds to the end of the step only: write "WORKDIR x", or join the next command with &&',
    ],
  ])('%j', (instruction, message) => {
    expect(findings(instruction)).toEqual([`LostDirectory: ${message}`]);
  });

  test.each([
    ['RUN service ssh start', '"service ssh start"'],
    ['RUN systemctl start nginx', '"systemctl start nginx"'],
    ['RUN redis-server &', '"redis-server &"'],
  ])('%j', (instruction, shown) => {
    expect(findings(instruction)[0]).toContain(`LostService: what ${shown} starts is ended with the step`);
  });

  test.each([
    'RUN export A=1 && make',
    'RUN cd /app && make',
    'RUN (cd /app; make)',
    'RUN set -eux; make',
    'RUN cd /x || exit 1',
    'RUN echo "export A=1" >> /etc/profile',
    'RUN A=1 make',
    'RUN env A=1 make',
    'RUN service postgresql start && psql -c x',
    'RUN sleep 1 & wait',
    'RUN cat <<EOF > /x\nexport A=1\ncd /y\nEOF',
    'RUN <<EOF\n#!/usr/bin/env python3\nexport = 1\nEOF',
    'RUN source /x && conda activate y && python z',
    'RUN echo "',
  ])('lasts in %j', (instruction) => {
    expect(findings(instruction)).toEqual([]);
  });
});

describe('package managers', () => {
  test.each([
    [
      'RUN apt-get update && apt-get install curl',
      '"apt-get install" asks before it goes on and nobody is there to answer: write "apt-get install -y"',
    ],
    [
      'RUN apt update; apt upgrade',
      '"apt upgrade" asks before it goes on and nobody is there to answer: write "apt upgrade -y"',
    ],
    [
      'RUN dnf install git',
      '"dnf install" asks before it goes on and nobody is there to answer: write "dnf install -y"',
    ],
    [
      'RUN zypper install git',
      '"zypper install" asks before it goes on and nobody is there to answer: write -n before the command',
    ],
    [
      'RUN conda install numpy',
      '"conda install" asks before it goes on and nobody is there to answer: write "conda install -y"',
    ],
    [
      'RUN DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 install tzdata',
      '"apt-get install" asks before it goes on and nobody is there to answer: write "apt-get install -y"',
    ],
  ])('ask in %j', (instruction, message) => {
    expect(findings(instruction)).toEqual([`MissingYes: ${message}`]);
  });

  test.each([
    'RUN apt-get install -y curl',
    'RUN apt-get -y install curl',
    'RUN apt-get install -qqy curl',
    'RUN apt-get install -yq --no-install-recommends curl',
    'RUN apt-get install curl --assume-yes',
    'RUN apt-get -o APT::Get::Assume-Yes=true install curl',
    'RUN yes | apt-get install curl',
    'RUN apk add curl',
    'RUN dnf -y install git',
    'RUN zypper -n install git',
    'RUN pip install numpy',
    'RUN echo apt-get install curl',
    'RUN apt-get clean',
    'RUN apt-cache policy curl',
  ])('do not ask in %j', (instruction) => {
    expect(findings(instruction)).toEqual([]);
  });

  test('lists that are fetched alone', () => {
    expect(findings('RUN apt-get update')).toEqual([
      'UpdateAlone: "apt-get update" has a step of its own, whose cached lists grow old: write "RUN apt-get update && apt-get install …"',
    ]);
    expect(findings('RUN apk update')[0]).toContain('"RUN apk update && apk add …"');
    expect(findings('RUN apt-get update && apt-get install -y x')).toEqual([]);
  });

  test('sudo', () => {
    expect(ruleOf('RUN sudo make install')).toEqual(['Sudo']);
    expect(ruleOf('RUN sudo -E apt-get install -y x')).toEqual(['Sudo']);
    expect(ruleOf('RUN echo sudo')).toEqual([]);
  });

  test('as another user than root', () => {
    expect(findings('RUN apt-get update && apt-get install -y x', 'app')).toEqual([
      'UserBeforeInstall: "apt-get install" runs as user "app", who may not install packages: put the step above USER, or write USER root above it',
    ]);
    for (const root of ['', 'root', '0', '0:0', 'root:root']) expect(ruleOf('RUN apk add x', root)).toEqual([]);
    expect(ruleOf('RUN pip install x', 'app')).toEqual([]);
    expect(ruleOf('RUN sudo apk add x', 'app')).toEqual(['Sudo']);
  });
});

describe('forms that mean something else', () => {
  test.each([
    ['ENV A = b', 'BlankAroundEquals: "ENV A = b" sets a value that begins with "=": write "ENV A=b"'],
    ['LABEL a =b', 'BlankAroundEquals: "LABEL a =b" sets a value that begins with "=": write "LABEL a=b"'],
    [
      "CMD ['echo', 'hi']",
      "BrokenJson: ['echo', 'hi'] is no JSON array, so the shell gets it, brackets and all: put every word in double quotes and commas between",
    ],
    [
      'RUN ["echo" "hi"]',
      'BrokenJson: ["echo" "hi"] is no JSON array, so the shell gets it, brackets and all: put every word in double quotes and commas between',
    ],
  ])('%s', (instruction, finding) => {
    expect(findings(instruction)).toEqual([finding]);
  });

  test.each(['ENV A b', 'ENV A=b', 'RUN [ "$A" = b ]', 'RUN [ -e x ] && y', 'RUN ["echo", "hi"]', 'HEALTHCHECK NONE'])(
    '%s means what it says',
    (instruction) => {
      expect(findings(instruction)).toEqual([]);
    },
  );
});

describe('ENV and ADD', () => {
  test('a proxy in ENV', () => {
    expect(findings('ENV http_proxy=http://p:1 no_proxy=x HTTPS_PROXY=http://p:1')).toEqual([
      'ProxyInImage: "ENV http_proxy" puts the proxy into the image: delete the line, and build with --build-arg http_proxy=… where the environment has no proxy',
      'ProxyInImage: "ENV HTTPS_PROXY" puts the proxy into the image: delete the line, and build with --build-arg HTTPS_PROXY=… where the environment has no proxy',
    ]);
    expect(findings('ENV http_proxy= HTTP_PROXY=""')).toEqual([]);
    expect(findings('ARG http_proxy=http://p:1')).toEqual([]);
  });

  test.each([
    ['ADD . /app', ['AddInsteadOfCopy']],
    ['ADD requirements.txt /', ['AddInsteadOfCopy']],
    ['ADD rootfs.tar.xz /', []],
    ['ADD https://example.com/x /', []],
    ['ADD git@github.com:a/b.git /', []],
    ['ADD --unpack=false x.tar /', []],
    ['ADD $FILE /', []],
    ['ADD *.tgz /', []],
    ['COPY . /app', []],
  ])('%s', (instruction, rules) => {
    expect(ruleOf(instruction)).toEqual(rules);
  });
});

describe('secrets', () => {
  const token = `ghp_${'a1B2'.repeat(9)}`;
  test.each([
    [`ENV X=${token}`, 'a GitHub token'],
    [`RUN git clone https://me:${token}@example.com/x`, 'a GitHub token'],
    ['RUN pip install --index-url https://me:pass@example.com/simple x', 'a password in a URL'],
    ['ENV A=AKIAIOSFODNN7EXAMPLE', 'an AWS access key'],
    ['COPY <<EOF /key\n-----BEGIN RSA PRIVATE KEY-----\nEOF', 'a private key'],
  ])('%s', (instruction, what) => {
    const found = findings(instruction).filter((finding) => finding.startsWith('SecretValue'));
    expect(found[0]).toContain(`what looks like ${what} stands in the Dockerfile`);
    expect(found.join()).not.toMatch(/a1B2|pass@|AKIAIOS/);
  });

  test.each(['RUN curl https://example.com/a:b@c', 'ENV U=https://${USER}:${PASS}@example.com', 'RUN echo a@b'])(
    '%s is none',
    (instruction) => {
      expect(findings(instruction)).toEqual([]);
    },
  );
});

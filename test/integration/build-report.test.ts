import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirement } from '../support/require.js';
import { hasTools } from '../support/tools.js';
import { tsbuild } from '../support/tsbuild.js';

const CHROMIUM = '/usr/bin/chromium';
const { skip, reason } = requirement('chromium', hasTools('chromium'), 'Chromium is not installed');

/** What a page must show as text. */
const HOSTILE = `</script><script>alert(1)</script><img src=x onerror=alert(2)>`;

let root: string;
let env: Record<string, string>;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-report-'));
  chmodSync(root, 0o755);
  env = { TSBUILD_STORE: join(root, 'store') };
  expect((await tsbuild(['bootstrap', '-q', '-t', 'base'], { env })).stderr).toBe('');
  writeFileSync(join(root, 'file'), '1');
  await build('seq 3', 'ok');
  writeFileSync(join(root, 'file'), '2');
  await build(`echo '${HOSTILE}'; echo needle; exit 3`, 'failed');
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

async function build(command: string, name: string): Promise<void> {
  const text = `FROM base AS one\nWORKDIR /one\nFROM base\nCOPY file /\nCOPY --from=one /one /one\nRUN ${command}\n`;
  writeFileSync(join(root, 'Dockerfile'), text);
  const files = ['--report', join(root, `${name}.html`), '--graph', join(root, `${name}.png`)];
  await tsbuild(['build', '-q', ...files, root], { env });
}

describe('pictures of a build', () => {
  test('are there after a failed build as after one that succeeded, and the same for the same plan', async () => {
    for (const name of ['ok', 'failed']) {
      const png = readFileSync(join(root, `${name}.png`));
      expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
      expect(png.readUInt32BE(16)).toBeGreaterThan(400);
    }
    const draw = async (file: string): Promise<Buffer> => {
      const { stderr } = await tsbuild(['graph', '-o', join(root, file), root], { env });
      expect(stderr).toBe('');
      return readFileSync(join(root, file));
    };
    expect(await draw('first.svg')).toEqual(await draw('second.svg'));
    expect(await draw('first.png')).toEqual(await draw('second.png'));
    const svg = readFileSync(join(root, 'first.svg'), 'utf8');
    expect(svg).not.toMatch(/<script|<img/);
    expect(svg).toContain('&lt;/script&gt;');
  });

  test('a file that is in the way of nothing is no longer there when nothing could be written', async () => {
    const report = join(root, 'gone.html');
    writeFileSync(report, 'of a build before');
    await tsbuild(['build', '-q', '--report', report, '--graph', join(root, 'no/such/folder.svg'), root], { env });
    expect(existsSync(report) && readFileSync(report, 'utf8')).not.toContain('of a build before');
    const { exitCode, stderr } = await tsbuild(['graph', '-o', join(root, 'no/such/folder.svg'), root], { env });
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('cannot write file');
  });
});

describe.skipIf(skip)(`the report of a build in a browser (${reason})`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(async () => {
    await browser.close();
  });

  /** Opens a page that must neither say anything to the console, nor ask for anything, nor open a dialog. */
  async function open(
    name: string,
    { width = 1280, script = true }: { readonly width?: number; readonly script?: boolean } = {},
  ): Promise<{ readonly page: Page; readonly complaints: readonly string[] }> {
    const context = await browser.newContext({ viewport: { width, height: 900 }, javaScriptEnabled: script });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => {
      complaints.push(dialog.message());
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!request.url().startsWith('file:')) complaints.push(request.url());
    });
    await page.goto(`file://${join(root, `${name}.html`)}`);
    return { page, complaints };
  }

  test('can be clicked through, and shows what a step wrote as text', async () => {
    const { page, complaints } = await open('failed');
    expect(await page.locator('h1').innerText()).toContain('failed');
    const failed = page.locator('details.failed');
    expect(await failed.getAttribute('open')).not.toBeNull();
    expect(await failed.locator('pre').innerText()).toContain(HOSTILE);
    expect(await failed.locator('li').first().innerText()).toContain('COPY file /');

    const copy = page.locator('details.step', { hasText: 'COPY file /' }).first();
    expect(await copy.getAttribute('open')).toBeNull();
    await page.locator('.timeline a', { hasText: 'COPY file /' }).click();
    expect(await copy.getAttribute('open')).not.toBeNull();
    expect(await copy.innerText()).toContain('file file: other content');

    await page.locator('#close-all').click();
    expect(await page.locator('details[open]').count()).toBe(0);
    await page.locator('.graph a').filter({ hasText: 'COPY file' }).click();
    expect(await copy.getAttribute('open')).not.toBeNull();

    await page.locator('#find').fill('needle');
    expect(await page.locator('details.step:visible').count()).toBe(1);
    await page.locator('#find').fill('');
    await page.locator('#open-all').click();
    expect(await page.locator('details.step:not([open])').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('tells of a build that succeeded: its steps, what it waited for, its layers, its picture', async () => {
    const { page, complaints } = await open('ok');
    expect(await page.locator('h1').innerText()).toContain('finished');
    expect(await page.locator('.timeline rect.path').count()).toBeGreaterThan(0);
    expect(await page.locator('.graph .node').count()).toBe(6);
    expect(await page.locator('.graph .cluster').count()).toBe(2);
    expect(await page.locator('tbody tr').count()).toBeGreaterThan(3);
    expect(complaints).toEqual([]);
  });

  test.each([1280, 400])('fits a window of %d pixels', async (width) => {
    const { page } = await open('failed', { width });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });

  test('can be read without its script', async () => {
    const { page, complaints } = await open('failed', { script: false });
    expect(await page.locator('.tools').isVisible()).toBe(false);
    expect(await page.locator('details.failed pre').isVisible()).toBe(true);
    await page.locator('details.cached summary').first().click();
    expect(await page.locator('details.cached[open]').count()).toBe(1);
    expect(complaints).toEqual([]);
  });
});

// Looks at pages in a headless Chromium: node browser.mjs MODULES FOLDER. Exit 1 where a page has something wrong.
import { createRequire } from 'node:module';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, folder] = process.argv.slice(2).map((p) => resolve(p));
const require = createRequire(join(modules, 'index.js'));
const puppeteer = require('puppeteer-core');
const axe = readFileSync(join(modules, 'axe-core', 'axe.min.js'), 'utf8');

const VIEWS = {
  desktop: { width: 1280, height: 900 },
  phone: { width: 390, height: 844, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  A4: { width: 794, height: 1123 }, // 210 by 297 mm at 96 dots an inch
};

const browser = await puppeteer.launch({
  executablePath: process.env.EFFACE_CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
});
let wrong = 0;
const say = (name, view, what) => {
  wrong += 1;
  console.log(`WRONG ${name} (${view}): ${what}`);
};

// What is reached by the tab key alone, against what there is to reach.
async function byKeyboard(page) {
  const all = await page.evaluate(() => {
    const seen = (e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
    const reach = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]:not([tabindex="-1"])')];
    // What scrolls has to be reached too, or a keyboard cannot see its end.
    const scrolls = [...document.querySelectorAll('*')].filter(
      (e) => e !== document.documentElement && e !== document.body && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1,
    );
    const list = [...new Set([...reach, ...scrolls])].filter((e) => seen(e) && !e.disabled);
    list.forEach((e, n) => { e.dataset.reach = n; });
    return list.map((e) => `${e.tagName.toLowerCase()} "${(e.textContent ?? '').trim().slice(0, 40)}"`);
  });
  const met = new Set();
  for (let n = 0; n <= all.length; n += 1) {
    await page.keyboard.press('Tab');
    const now = await page.evaluate(() => {
      const e = document.activeElement;
      const style = e && getComputedStyle(e);
      return { reach: e?.dataset?.reach, shown: style && (style.outlineStyle !== 'none' || style.boxShadow !== 'none') };
    });
    if (now.reach !== undefined) {
      met.add(Number(now.reach));
      if (!now.shown) return { all, missed: [`${all[Number(now.reach)]} shows no focus`] };
    }
  }
  return { all, missed: all.filter((_, n) => !met.has(n)).map((e) => `${e} is not reached`) };
}

const files = readdirSync(folder).filter((f) => f.endsWith('.html')).sort();
if (files.length === 0) throw new Error(`no pages in ${folder}`);
for (const file of files) {
  const told = [];
  for (const [view, viewport] of Object.entries(VIEWS)) {
    const page = await browser.newPage();
    await page.setViewport(viewport);
    if (view === 'A4') await page.emulateMediaType('print');
    page.on('console', (m) => { if (['error', 'warn'].includes(m.type())) say(file, view, `console: ${m.text()}`); });
    page.on('pageerror', (e) => say(file, view, `error: ${e.message}`));
    page.on('request', (r) => {
      if (!r.url().startsWith('file:') && !r.url().startsWith('data:')) say(file, view, `asks for ${r.url()}`);
    });
    await page.goto(pathToFileURL(join(folder, file)).href, { waitUntil: 'load' });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 1) say(file, view, `${wide} pixels wider than the screen`);
    if (view !== 'A4') {
      const { all, missed } = await byKeyboard(page);
      missed.forEach((m) => say(file, view, m));
      told.push(`${view}: ${all.length} to reach`);
    }
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations', 'incomplete'] }));
    for (const v of found.violations) {
      const at = v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join('; ');
      if (['serious', 'critical'].includes(v.impact)) say(file, view, `axe ${v.impact}: ${v.id}, ${v.help} (${v.nodes.length}: ${at})`);
      else console.log(`note ${file} (${view}): axe ${v.impact}: ${v.id}, ${v.help} (${at})`);
    }
    told.push(`${view}: ${found.passes?.length ?? 0} rules passed`);
    if (view === 'A4') {
      const pdf = await page.pdf({ format: 'A4', printBackground: true });
      const sheets = Buffer.from(pdf).toString('latin1').match(/\/Type\s*\/Page[^s]/g)?.length ?? 0;
      if (sheets === 0) say(file, view, 'prints no sheet');
      told.push(`prints on ${sheets} sheets`);
    }
    await page.evaluate(() => { document.activeElement?.blur(); window.scrollTo(0, 0); });
    if (view === 'desktop' && file === 'compliance.html' && process.env.EFFACE_SCREENSHOT) {
      await page.screenshot({ path: process.env.EFFACE_SCREENSHOT });
    }
    if (process.env.EFFACE_PICTURES) {
      await page.screenshot({ path: join(process.env.EFFACE_PICTURES, `${file}.${view}.png`), fullPage: view !== 'desktop' });
    }
    await page.close();
  }
  console.log(`${file}: ${told.join(', ')}`);
}
await browser.close();
console.log(wrong === 0 ? `pages: ${files.length} looked at, nothing wrong` : `pages: ${wrong} things wrong`);
process.exit(wrong === 0 ? 0 : 1);

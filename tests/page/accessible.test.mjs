// In every language, at every width, light and dark: does axe find nothing, and does nothing stick out? With
// METERBOX_PAGE_SHOTS=FOLDER each page is also written there as a picture, for a person to look at.

import assert from "node:assert/strict";
import {after, before, test} from "node:test";

import {axe_script, languages, launch, open} from "./browser.mjs";

const widths = [360, 768, 1280];
const schemes = ["light", "dark"];
let browser;
before(async () => { browser = await launch(); });
after(async () => browser.close());

async function judge(page, name) {
  const {violations} = await page.evaluate(() => window.axe.run(document, {resultTypes: ["violations"]}));
  assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`), [], name);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(over <= 0, `${name} is ${over} px too wide`);
  const shots = process.env.METERBOX_PAGE_SHOTS;
  if (shots) await page.screenshot({path: `${shots}/${name}.png`, fullPage: true});
}

for (const language of languages) {
  for (const scheme of schemes) {
    test(`nothing to object to in ${language}, ${scheme}`, async () => {
      for (const width of widths) {
        const before_page = (page) => page.addInitScript({path: axe_script});
        const {page, context} = await open(browser, {language, width, scheme, before: before_page});
        for (const summary of await page.locator("summary").all()) await summary.click();
        await judge(page, `team-${language}-${width}-${scheme}`);
        await context.close();
        const form = await open(browser, {language, width, scheme, signed_in: false, before: before_page});
        await judge(form.page, `form-${language}-${width}-${scheme}`);
        await form.context.close();
      }
    });
  }
}

// How long until the page is first painted, and until its cards are there, in a browser that runs already, is
// signed in and keeps nothing: each load asks for every file again. Prints the median and the worst of 15.

import {launch, open} from "./browser.mjs";

const runs = 15;
const browser = await launch();
const {page, context} = await open(browser, {before: (one) => one.addInitScript(() => {
  new MutationObserver((_, observer) => {
    if (!document.querySelector("#cards article")) return;
    observer.disconnect();
    requestAnimationFrame(() => { window.cards_at = performance.now(); });
  }).observe(document, {childList: true, subtree: true});
})});
const devtools = await context.newCDPSession(page);
await devtools.send("Network.setCacheDisabled", {cacheDisabled: true});
const loads = [];
for (let run = 0; run < runs; ++run) {
  await page.reload();
  await page.waitForFunction(() => window.cards_at);
  loads.push(await page.evaluate(() => ({
    paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    cards: window.cards_at,
    bytes: performance.getEntries().reduce((sum, entry) => sum + (entry.transferSize ?? 0), 0),
  })));
}
await browser.close();
const said = (what) => {
  const sorted = loads.map((load) => load[what]).sort((a, b) => a - b);
  return `median ${Math.round(sorted[Math.trunc(runs / 2)])} ms, worst ${Math.round(sorted.at(-1))} ms`;
};
console.log(`first paint: ${said("paint")}\ncards shown: ${said("cards")}\nover the wire: ${loads[0].bytes} bytes`);

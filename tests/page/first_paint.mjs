// How long until the page is first painted, and until its cards are there: fresh browser profiles, signed in,
// nothing cached. Prints the median and the worst of 15.

import {launch, open} from "./browser.mjs";

const runs = 15;
const browser = await launch();
const paints = [];
const cards = [];
let bytes = 0;
for (let run = 0; run < runs + 1; ++run) {
  const {page, context} = await open(browser, {before: (one) => one.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector("#cards article")) return;
      observer.disconnect();
      requestAnimationFrame(() => { window.cards_at = performance.now(); });
    }).observe(document, {childList: true, subtree: true});
  })});
  const seen = await page.evaluate(() => ({
    paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    cards: window.cards_at,
    bytes: performance.getEntries().reduce((sum, entry) => sum + (entry.transferSize ?? 0), 0),
  }));
  await context.close();
  if (run === 0) continue; // the browser itself warms up
  paints.push(seen.paint);
  cards.push(seen.cards);
  bytes = seen.bytes;
}
await browser.close();
const said = (list) => {
  const sorted = [...list].sort((a, b) => a - b);
  return `median ${Math.round(sorted[Math.trunc(runs / 2)])} ms, worst ${Math.round(sorted.at(-1))} ms`;
};
console.log(`first paint: ${said(paints)}\ncards shown: ${said(cards)}\nover the wire: ${bytes} bytes`);

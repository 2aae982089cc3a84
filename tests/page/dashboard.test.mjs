// Does the dashboard show what the account says, in words, to whoever may see it and to nobody else?

import assert from "node:assert/strict";
import {after, before, test} from "node:test";

import {account, launch, loaded, locales, open, sign_in, team_token, token, url} from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(async () => browser.close());

// A page for one test, closed after it; whatever went wrong in it fails the test.
async function on_page(options, check) {
  const {page, context} = await open(browser, options);
  try {
    await check(page, context);
    if (!options.may_fail) assert.deepEqual(page.failed, []);
  } finally {
    await context.close();
  }
}

const card = (page, resource) => page.locator(`article[aria-labelledby="card-${resource}"]`);
const text_of = async (locator) => (await locator.innerText()).replaceAll("\u00a0", " ").replaceAll("\u202f", " ");

test("who isn't signed in sees a form and no figure", () => on_page({signed_in: false, may_fail: true}, async (page) => {
  assert.equal(await page.locator("#account").isVisible(), false);
  assert.deepEqual([...new Set(page.requested.map((one) => new URL(one).pathname))].filter((path) => path.startsWith("/v1/")),
    ["/v1/teams"]);
}));

test("a wrong token is refused in words, the right one opens the page, signing out closes it",
  () => on_page({signed_in: false, may_fail: true}, async (page, context) => {
    await sign_in(page, "wrong");
    await page.locator("#sign-in-problem").waitFor();
    assert.match(await text_of(page.locator("#sign-in-problem")), /unknown or expired/);
    assert.deepEqual(await context.cookies(), []);

    await sign_in(page, token);
    await loaded(page);
    const [cookie] = await context.cookies();
    assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite], [true, true, "Strict"]);
    assert.equal(await page.evaluate(() => document.cookie), "");
    assert.equal(await page.locator("#token").inputValue(), "");

    const name = await page.locator("#team-name").textContent();
    const agent = await page.locator("#agents tbody th").first().textContent();
    await page.locator("#sign-out").click();
    await page.locator("#sign-in").waitFor();
    const left = await page.evaluate(() => document.title + document.body.innerHTML);
    for (const text of [name, agent, "<article", "<table", "<option value=\"studio\""]) {
      assert.equal(left.includes(text), false, `${text} stays in the page of whoever has signed out`);
    }
    assert.deepEqual(await context.cookies(), []);
    await page.reload();
    await page.locator("#sign-in").waitFor();
  }));

test("a cookie that the account has forgotten is of no use any more", () => on_page({signed_in: false, may_fail: true},
  async (page, context) => {
    await sign_in(page, token);
    await loaded(page);
    const kept = await context.cookies();
    await page.locator("#sign-out").click();
    await page.locator("#sign-in").waitFor();
    await context.addCookies(kept);
    assert.equal((await page.request.get(`${url}v1/teams`)).status(), 401);
  }));

test("a page of another site can't sign in here", async () => {
  const {page, context} = await open(browser, {signed_in: false});
  const answer = await page.request.post(`${url}v1/sign-in`,
    {headers: {Origin: "https://elsewhere.example", "Content-Type": "application/json"}, data: JSON.stringify({token})});
  assert.equal(answer.status(), 403);
  await context.close();
});

test("the page asks nobody but the account, and its policy is strict", () => on_page({}, async (page) => {
  for (const asked of page.requested) assert.ok(asked.startsWith(url), asked);
  const policy = (await page.request.get(url)).headers()["content-security-policy"];
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
}));

test("what a browser has already is not sent again", () => on_page({}, async (page) => {
  const first = await page.request.get(`${url}page/page.js`);
  const again = await page.request.get(`${url}page/page.js`, {headers: {"If-None-Match": first.headers().etag}});
  assert.equal(again.status(), 304);
  assert.equal((await again.body()).length, 0);
}));

test("each card says what the command line says", () => on_page({}, async (page) => {
  const {cards} = account("balance", "studio");
  assert.equal(await page.locator("#cards > article").count(), cards.length);
  for (const one of cards) {
    const shown = await text_of(card(page, one.resource));
    assert.ok(shown.includes(one.name || one.resource));
    if (one.purchased_units > 0) {
      assert.ok(shown.includes(`${one.available_units} of ${one.purchased_units} available`), shown);
      assert.ok(shown.includes(`${one.used_percent}% used`), shown);
    }
    for (const tier of one.tiers) {
      const name = {free: "Free tier", flex: "Flex", token_flex: "Token Flex (EBA)", payg: "Pay as you go"}[tier.tier];
      assert.ok(shown.includes(name), shown);
    }
  }
  assert.match(await text_of(card(page, "render")), /ends in 30 days/);
  assert.match(await text_of(card(page, "render")), /refreshes in \d+ days?/);
  assert.match(await text_of(card(page, "simulate")), /ends within a day/);
  assert.match(await text_of(card(page, "api")), /no limit/);
  assert.match(await text_of(card(page, "seats")), /In use now\s+3/);
}));

test("green above the threshold and red at or below it, and each said in a word", () => on_page({}, async (page) => {
  const hue = (resource) => card(page, resource).locator(".bar > span").evaluate((bar) => {
    const [red, green] = getComputedStyle(bar).backgroundColor.match(/\d+/g).map(Number);
    return red > green ? "red" : "green";
  });
  const word = (resource) => card(page, resource).locator(".state").innerText();
  assert.deepEqual([await hue("render"), await word("render")], ["green", "✓ Sufficient"]);
  assert.deepEqual([await hue("bake"), await word("bake")], ["red", "! Low"]);
  assert.deepEqual([await hue("simulate"), await word("simulate")], ["red", "× Exhausted"]);
}));

test("the language is the browser's, and the switch's once it is used", () => on_page({language: "fr"}, async (page) => {
  assert.equal(await page.locator("html").getAttribute("lang"), "fr");
  assert.match(await text_of(card(page, "render")), /sur 150 disponibles/);
  await page.locator("#language").selectOption("tr");
  await page.locator("html[lang=tr]").waitFor();
  await loaded(page);
  assert.match(await text_of(card(page, "render")), /150 birimden \d+'\S+ mevcut/);
  await page.reload();
  assert.equal(await page.locator("html").getAttribute("lang"), "tr");
}));

for (const [language, locale] of Object.entries(locales)) {
  test(`numbers and amounts are written as in ${locale}`, () => on_page({language}, async (page) => {
    const [invoice] = account("invoice", "studio").lines;
    const amount = new Intl.NumberFormat(locale, {style: "currency", currency: "EUR"}).format(invoice.amount / 100);
    const shown = (await page.locator("#invoices .total").first().innerText()).trim();
    assert.ok(shown.endsWith(amount), `${shown}: ${amount}`);
    const used = account("balance", "studio").cards.find((one) => one.resource === "bake").used_percent;
    const percent = new Intl.NumberFormat(locale, {style: "percent"}).format(used / 100);
    assert.ok((await card(page, "bake").innerText()).includes(percent), percent);
  }));
}

test("charts show the usage of days and months, bar by bar under the arrow keys", () => on_page({}, async (page) => {
  for (const by of ["day", "month"]) {
    await page.locator(`input[name=by][value=${by}]`).check({force: true});
    const figure = page.locator("figure").filter({hasText: "Rendering"});
    const chart = figure.locator("svg");
    const bars = by === "day" ? 30 : 24;
    await page.locator(`figure svg[data-resource=render][aria-valuemax="${bars - 1}"]`).waitFor();
    const now = new Date();
    const from = new Date(by === "day" ? now - (bars - 1) * 86_400_000
      : Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (bars - 1))).toISOString().slice(0, 10);
    const rows = account("usage", "studio", "--from", from, "--by", by).rows.filter((row) => row.resource === "render");
    const units = rows.reduce((sum, row) => sum + row.units, 0);
    assert.ok((await text_of(figure.locator(".sum"))).endsWith(`${units} units`), `${by}: ${units}`);

    await chart.focus();
    await page.keyboard.press("Home");
    assert.equal(await chart.getAttribute("aria-valuenow"), "0");
    await page.keyboard.press("ArrowRight");
    assert.equal(await chart.getAttribute("aria-valuenow"), "1");
    await page.keyboard.press("End");
    assert.equal(await chart.getAttribute("aria-valuenow"), String(bars - 1));
    assert.equal(await chart.getAttribute("aria-valuetext"), await figure.locator(".readout").innerText());
    const used = new Set(rows.filter((row) => row.usage || row.units).map((row) => row.from));
    await figure.locator("summary").click();
    assert.equal(await figure.locator("tbody tr").count(), used.size);
  }
}));

test("a chart is as wide as there is room for, also once the window's width changes", () => on_page({}, async (page) => {
  const chart = page.locator("svg[data-resource=render]");
  for (const width of [768, 1280, 360]) {
    await page.setViewportSize({width, height: 900});
    await page.waitForFunction(() => {
      const svg = document.querySelector("svg[data-resource=render]");
      return Number(svg.getAttribute("width")) === svg.parentElement.clientWidth;
    });
    assert.ok(Number(await chart.getAttribute("width")) < width);
  }
}));

test("agents are shown with their state and what they hold", () => on_page({}, async (page) => {
  const {agents} = account("agent", "list", "studio");
  assert.equal(await page.locator("#agents tbody tr").count(), agents.length);
  for (const agent of agents) {
    const shown = await text_of(page.locator("#agents tbody tr", {hasText: agent.name}));
    assert.ok(shown.includes(agent.state), shown);
    for (const units of Object.values(agent.leased)) if (units > 0) assert.ok(shown.includes(`${units.toLocaleString("en")} unit`), shown);
  }
}));

test("an invoice shows its lines and its total", () => on_page({}, async (page) => {
  const invoice = account("invoice", "studio");
  const shown = page.locator("#invoices details").first();
  await shown.locator("summary").click();
  const row = await text_of(shown.locator("tbody tr").first());
  assert.match(row, new RegExp(`api.*${invoice.lines[0].units}.*€0\\.12.*€`, "s"));
}));

test("what ends within 90 days is listed, the soonest first, and nothing that ends later", () => on_page({}, async (page) => {
  const soon = account("grant", "list", "studio").grants.filter(
    (grant) => grant.ends_at && Date.parse(grant.ends_at) < Date.now() + 90 * 86_400_000);
  const rows = page.locator("#expiries tbody tr");
  assert.equal(await rows.count(), soon.length);
  assert.match(await text_of(rows.first()), /ends within a day/);
  assert.match(await text_of(rows.last()), /ends in 30 days/);
}));

test("a team that has nothing yet says so in words", () => on_page({}, async (page) => {
  await page.locator("#team").selectOption("lab");
  await page.locator("#team-name", {hasText: "Lab"}).waitFor();
  await page.locator("#agents .empty").waitFor();
  for (const part of ["charts", "expiries", "agents", "invoices"]) {
    await page.locator(`#${part} .empty`).waitFor();
    assert.ok((await page.locator(`#${part} .empty`).innerText()).length > 10);
  }
  assert.equal(await page.locator("#cards .headline").first().innerText(), "No balance");
}));

test("names are text, whatever is in them", () => on_page({}, async (page) => {
  await page.locator("#team").selectOption("lab");
  await page.locator("#team-name", {hasText: "<b>Lab</b> & friends"}).waitFor();
  assert.equal(await page.locator("main b, main i").count(), 0);
}));

test("a team's token shows that team alone", () => on_page({signed_in: false, may_fail: true}, async (page) => {
  await sign_in(page, team_token);
  await loaded(page);
  assert.match(await page.locator("#team-name").innerText(), /Lab/);
  assert.equal(await page.locator("#team-choice").isVisible(), false);
  assert.equal((await page.request.get(`${url}v1/teams/studio/cards`)).status(), 403);
}));

test("an account that can't be reached, and a part that fails, are said in words; the rest stays",
  () => on_page({may_fail: true}, async (page) => {
    await page.route("**/v1/teams/studio/agents", (route) => route.fulfill(
      {status: 503, contentType: "application/problem+json", body: JSON.stringify({detail: "the disk is full"})}));
    await page.locator("#refresh").click();
    await page.locator("#agents .problem", {hasText: "the disk is full"}).waitFor();
    assert.ok(await page.locator("#cards > article").count() > 0);

    await page.unroute("**/v1/teams/studio/agents");
    await page.context().setOffline(true);
    await page.locator("#refresh").click();
    await page.locator("#problem", {hasText: "can't be reached"}).waitFor();
    await page.context().setOffline(false);
    await page.locator("#refresh").click();
    await page.locator("#problem").waitFor({state: "hidden"});
    await page.locator("#agents table").waitFor();
  }));

test("who was signed out meanwhile is asked to sign in again", () => on_page({may_fail: true}, async (page, context) => {
  await context.clearCookies();
  await page.locator("#refresh").click();
  await page.locator("#sign-in-problem", {hasText: "sign in again"}).waitFor();
  assert.equal(await page.locator("#account").isVisible(), false);
}));

test("everything is reached by keyboard, and where one is can be seen", () => on_page({}, async (page) => {
  const reached = [];
  for (let presses = 0; presses < 40; ++presses) {
    await page.keyboard.press("Tab");
    const here = await page.evaluate(() => {
      const node = document.activeElement;
      if (node === document.body) return null;
      const target = node.matches(".switch input") ? node.nextElementSibling : node;
      return {name: node.id || node.name || node.closest(".skip")?.className || node.localName,
        seen: getComputedStyle(target).outlineStyle !== "none"};
    });
    if (here === null) break;
    assert.ok(here.seen, `${here.name} shows no focus`);
    reached.push(here.name);
  }
  for (const wanted of ["skip", "language", "team", "sign-out", "refresh", "by", "svg", "summary"]) {
    assert.ok(reached.includes(wanted), `${wanted} of ${reached}`);
  }
}));

// A browser for the dashboard's tests: pages in a language, a width and a colour scheme, signed in or not, that
// remember what they asked for and what went wrong. Besides, what the account's command line says.

import {execFileSync} from "node:child_process";
import {createRequire} from "node:module";

const tools = createRequire(`${process.env.METERBOX_PAGE_TOOLS}/`);
const {chromium} = tools("playwright-core");
export const axe_script = tools.resolve("axe-core/axe.min.js");

export const url = process.env.METERBOX_PAGE_URL;
export const token = process.env.METERBOX_PAGE_TOKEN;
export const team_token = process.env.METERBOX_PAGE_TEAM_TOKEN;
export const languages = ["en", "fr", "sv", "pt", "es", "tr"];
export const locales = {en: "en-GB", fr: "fr-FR", sv: "sv-SE", pt: "pt-PT", es: "es-ES", tr: "tr-TR"};

export async function launch() {
  // The account is on this machine and its certificate of its own making; Chromium as root has no sandbox.
  return chromium.launch({executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"]});
}

// The cookie of signing in once, for all pages that need it.
let cookies;
export async function sign_in_once(browser) {
  if (cookies) return cookies;
  const {page, context} = await open(browser, {signed_in: false});
  await sign_in(page, token);
  await page.locator("#account").waitFor();
  cookies = (await context.cookies()).filter((cookie) => cookie.httpOnly);
  await context.close();
  return cookies;
}

export async function sign_in(page, with_token) {
  await page.locator("#token").fill(with_token);
  await page.locator("#sign-in button").click();
}

export async function open(browser, options = {}) {
  const {language = "en", width = 1280, scheme = "light", signed_in = true} = options;
  const context = await browser.newContext({
    viewport: {width, height: 900}, locale: locales[language], colorScheme: scheme, timezoneId: "Europe/Paris",
    ignoreHTTPSErrors: true, reducedMotion: "reduce"});
  if (signed_in) await context.addCookies(await sign_in_once(browser));
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.requested = [];
  page.failed = [];
  page.on("request", (request) => page.requested.push(request.url()));
  page.on("pageerror", (error) => page.failed.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || /Content Security Policy|TrustedHTML/.test(message.text())) {
      page.failed.push(message.text());
    }
  });
  await options.before?.(page);
  await page.goto(`${url}#team=studio`);
  if (signed_in) await loaded(page);
  else await page.locator("#sign-in").waitFor();
  return {page, context};
}

// All parts are there: each has something to show, or says that it has nothing, or what went wrong.
export async function loaded(page) {
  await page.locator("#account").waitFor();
  for (const part of ["cards", "charts", "expiries", "agents", "invoices"]) {
    await page.locator(`#${part} > *`).first().waitFor();
  }
}

// What `meterbox-account --json ...` says.
export function account(...command) {
  const program = `${process.env.METERBOX_BIN}/meterbox-account`;
  return JSON.parse(execFileSync(program, ["--store", process.env.METERBOX_PAGE_STORE, "--json", ...command]));
}

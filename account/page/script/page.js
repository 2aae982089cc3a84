// The page's life: ask who is signed in, show the form or the team, and keep what is shown fresh. Each part
// is asked for by itself, so that one that fails says so in its place and takes nothing else with it.

const refresh_ms = 60_000;
let team = null;
let teams = [];
let shown_cards = {as_of: new Date().toISOString(), cards: []};
let known_cards = new Map();

function now_there() {
  return Date.parse(shown_cards.as_of); // the account's clock; this machine's may be off
}

function names(resource) {
  return known_cards.get(resource)?.name || resource;
}

function say_problem(problem) {
  by_id("problem").textContent = problem ? problem.in_words() : "";
  show(by_id("problem"), Boolean(problem));
}

// Whoever comes next at this machine finds nothing of the team in the page, hidden or not.
function forget_team() {
  team = null;
  teams = [];
  shown_cards = {as_of: new Date().toISOString(), cards: []};
  known_cards = new Map();
  for (const id of ["as-of", "cards", "charts", "agents", "invoices", "expiries", "team", "team-name"]) {
    by_id(id).replaceChildren();
  }
  document.title = `${word("title")} - meterbox`;
}

function show_sign_in(problem) {
  forget_team();
  show(by_id("loading"), false);
  show(by_id("account"), false);
  show(by_id("sign-out"), false);
  show(by_id("team-choice"), false);
  show(by_id("sign-in"), true);
  by_id("sign-in-problem").textContent = problem ?? "";
  show(by_id("sign-in-problem"), Boolean(problem));
  say_problem(null);
  by_id("token").focus();
}

// What is asked for the team that is shown; an answer that comes when it isn't any more is dropped.
class Outdated extends Error {}

async function ask_here(what, parameters) {
  const asked = team;
  try {
    return await ask_of_team(asked, what, parameters);
  } finally {
    if (team !== asked) throw new Outdated();
  }
}

// Runs one part; what fails is said in place.
async function part(place, load) {
  try {
    await load();
  } catch (problem) {
    if (problem instanceof Outdated) return undefined;
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 401) return show_sign_in(word("problem_signed_out"));
    if (problem.status === 0) return say_problem(problem);
    by_id(place).replaceChildren(element("p", {class: "problem"}, problem.in_words()));
  }
}

async function load_cards() {
  await part("cards", async () => {
    shown_cards = await ask_here("cards");
    known_cards = new Map(shown_cards.cards.map((card) => [card.resource, card]));
    show_cards(shown_cards);
    show_expiries(shown_cards, names, now_there());
    say_problem(null);
  });
}

async function load_usage() {
  const by = document.querySelector("input[name=by]:checked").value;
  await part("charts", async () => {
    const from = new Date(periods(by, now_there())[0]).toISOString();
    const {rows} = await ask_here("usage", {from, by});
    show_usage(rows, by, known_cards, now_there());
  });
}

async function load_agents() {
  await part("agents", async () => show_agents(await ask_here("agents"), names, now_there()));
}

async function load_team() {
  await load_cards();
  if (team === null) return;
  await Promise.all([
    load_usage(),
    load_agents(),
    part("invoices", async () => show_invoices(await ask_here("invoices"), names)),
  ]);
}

function choose_team(key) {
  const chosen = teams.find((one) => one.team === key) ?? teams[0];
  team = chosen.team;
  by_id("team").value = team;
  by_id("team-name").textContent = chosen.name;
  document.title = `${chosen.name} - ${word("title")} - meterbox`;
  history.replaceState(null, "", `#team=${team}`);
}

async function start() {
  try {
    teams = (await ask("/v1/teams")).teams;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 401) return show_sign_in();
    show(by_id("loading"), false);
    return say_problem(problem);
  }
  say_problem(null);
  show(by_id("sign-in"), false);
  show(by_id("loading"), false);
  show(by_id("sign-out"), true);
  if (teams.length === 0) {
    by_id("loading").textContent = word("no_teams");
    return show(by_id("loading"), true);
  }
  by_id("team").replaceChildren(...teams.map((one) => element("option", {value: one.team}, one.name)));
  show(by_id("team-choice"), teams.length > 1);
  choose_team(location.hash.replace("#team=", ""));
  show(by_id("account"), true);
  await load_team();
}

by_id("language").value = language;
by_id("language").addEventListener("change", (event) => {
  document.cookie = `meterbox_language=${event.target.value}; Path=/; Max-Age=31536000; SameSite=Strict; Secure`;
  location.reload();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address keeps the team
  by_id("content").focus();
});
by_id("team").addEventListener("change", (event) => {
  choose_team(event.target.value);
  load_team();
});
by_id("refresh").addEventListener("click", load_team);
document.querySelectorAll("input[name=by]").forEach((input) => input.addEventListener("change", load_usage));
by_id("sign-out").addEventListener("click", async () => {
  await send("/v1/sign-out").catch(() => null);
  show_sign_in();
});
by_id("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await send("/v1/sign-in", {token: by_id("token").value.trim()});
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return show_sign_in(problem.status === 401 ? word("problem_token") : problem.in_words());
  }
  by_id("token").value = "";
  await start();
  by_id("content").focus();
});
setInterval(() => {
  if (document.hidden || !by_id("sign-in").hidden) return;
  if (team === null) start();
  else load_cards().then(() => team !== null && load_agents());
}, refresh_ms);

await start();

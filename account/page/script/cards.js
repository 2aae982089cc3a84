// A card for each resource: what is left of what was bought, tier by tier, and when that changes. The state
// is the account's, in a word and a sign; colour only repeats it.

const signs = {ok: "✓", low: "!", exhausted: "×", ended: "×", unknown: "?"};

function is_open(tier) {
  return tier.available_units === null;
}

function balance_words(available, purchased) {
  return word("available_of", {available, purchased, available_possessive: possessive(available)}, available);
}

function bar(available, purchased) {
  const fill_of = element("span");
  fill_of.style.inlineSize = `${purchased > 0 ? Math.min(100, Math.max(0, 100 * available / purchased)) : 0}%`;
  return element("div", {class: "bar", "aria-hidden": "true"}, fill_of);
}

// "ends in 30 days", "refreshes in 12 days", as far as there is something to say.
function when(of, now) {
  return ["refreshes", "ends"]
    .filter((what) => of[`${what}_at`])
    .map((what) => element("li", {}, moment(in_days(what, of[`${what}_at`], now), of[`${what}_at`])));
}

function tier_line(tier, now) {
  const times = when(tier, now);
  return element("li", {},
    element("span", {class: "tier"}, word(`tier_${tier.tier}`)),
    element("span", {class: "figure"},
      is_open(tier) ? word("no_limit") : balance_words(tier.available_units, tier.purchased_units)),
    times.length ? element("ul", {class: "when"}, times) : null);
}

function headline(card) {
  const only_open = card.purchased_units === 0 && card.tiers.some(is_open);
  if (only_open) return [element("p", {class: "headline"}, `${word("tier_payg")}, ${word("no_limit")}`)];
  if (card.purchased_units === 0) return [element("p", {class: "headline quiet"}, word("no_balance"))];
  return [
    element("p", {class: "headline"}, balance_words(card.available_units, card.purchased_units)),
    bar(card.available_units, card.purchased_units),
  ];
}

function facts(card) {
  const rows = [];
  if (card.measure === "duration" || card.unit_size !== 1) {
    rows.push([word("unit"), amount(card.unit_size, card.measure, "long")]);
  }
  rows.push([word(card.kind === "returnable" ? "held" : "charged"), number(card.charged_units)]);
  if (card.leased_units > 0) rows.push([word("leased"), number(card.leased_units)]);
  if (card.remainder > 0) rows.push([word("carried"), amount(card.remainder, card.measure)]);
  if (card.overage_units > 0) rows.push([word("overage"), units(card.overage_units)]);
  return element("dl", {}, rows.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

function notes(card) {
  const lines = [];
  if (card.exhausts_at) {
    lines.push(word("exhausts_at", {time: date_and_time(card.exhausts_at)}));
  }
  if (card.enforcement !== "hard") lines.push(word(`enforcement_${card.enforcement}`));
  return lines.map((line) => element("p", {class: "note"}, line));
}

function card_of(card, now) {
  const id = `card-${card.resource}`;
  const of_all = card.used_percent;
  const used = of_all === null ? [] : [element("li", {}, word("used", {percent: percent(of_all)}, of_all))];
  const line = [...used, ...when(card, now)];
  return element("article", {class: `card ${card.state}`, "aria-labelledby": id},
    element("div", {class: "head"},
      element("h3", {id}, card.name || card.resource),
      element("p", {class: "state"},
        element("span", {"aria-hidden": "true"}, signs[card.state] ?? signs.unknown), " ", word(`state_${card.state}`))),
    headline(card),
    line.length ? element("ul", {class: "when"}, line) : null,
    card.tiers.length ? element("ul", {class: "tiers", "aria-label": word("tiers")},
      card.tiers.map((tier) => tier_line(tier, now))) : null,
    facts(card),
    notes(card));
}

function show_cards(answer) {
  const now = Date.parse(answer.as_of);
  by_id("as-of").replaceChildren(
    word("as_of", {time: date(answer.as_of, {dateStyle: "medium", timeStyle: "medium"})}));
  by_id("cards").replaceChildren(...(answer.cards.length
    ? answer.cards.map((card) => card_of(card, now)) : [empty(word("no_cards"))]));
}

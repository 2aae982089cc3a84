// Agents, invoices, and the grants that end soon.

function holds(agent, names) {
  const lines = [];
  for (const [resource, count] of Object.entries(agent.leased ?? {})) {
    if (count > 0) lines.push(word("pair", {name: names(resource), value: units(count)}));
  }
  for (const [resource, count] of Object.entries(agent.in_doubt ?? {})) {
    if (count > 0) lines.push(word("pair", {name: names(resource), value: word("in_doubt", {units: units(count)})}));
  }
  return lines.length ? element("ul", {class: "plain"}, lines.map((line) => element("li", {}, line))) : word("nothing");
}

function agent_state(agent) {
  const state = word(`agent_${agent.state}`);
  if (!agent.refused_syncs) return state;
  return [state, element("p", {class: "warning"}, element("span", {"aria-hidden": "true"}, "! "), word("refused_syncs"))];
}

function show_agents(answer, names, now) {
  by_id("agents").replaceChildren(answer.agents.length === 0 ? empty(word("no_agents")) : table(
    word("agents"),
    [[word("agent")], [word("state")], [word("last_sync")], [word("holds")]],
    answer.agents.map((agent) => [
      [agent.name || agent.id, element("p", {class: "note"}, agent.id)],
      agent_state(agent),
      agent.last_sync_at ? moment(ago(agent.last_sync_at, now), agent.last_sync_at) : word("never"),
      holds(agent, names),
    ])));
}

function cycle_name(invoice) {
  const last = Date.parse(invoice.to) - 1; // the end itself belongs to the next cycle
  const options = {dateStyle: "medium", timeZone: invoice.zone};
  return `${date(invoice.from, options)} – ${date(last, options)}`;
}

function invoice_of(invoice, names) {
  const price = (minor) => (minor === null ? "–" : invoice.currency ? money(minor, invoice.currency) : number(minor));
  const name = cycle_name(invoice);
  const lines = invoice.lines.length === 0 ? empty(word("no_lines")) : table(
    word("pair", {name: word("invoices"), value: name}),
    [[word("resource")], [word("charged"), "number"], [word("late"), "number"], [word("unit_price"), "number"],
      [word("amount"), "number"]],
    invoice.lines.map((line) => [names(line.resource), number(line.units), number(line.late_units),
      price(line.unit_price), price(line.amount)]));
  const problem = invoice.problem ? element("p", {class: "problem"}, invoice.problem) : null;
  return element("details", {class: "invoice"},
    element("summary", {},
      element("span", {class: "cycle"}, name), " ",
      element("span", {class: "status"}, word(`invoice_${invoice.status}`)), " ",
      element("span", {class: "total"}, element("span", {class: "unseen"}, word("total"), " "), price(invoice.total))),
    problem,
    lines);
}

function show_invoices(answer, names) {
  const paid = answer.invoices.filter((invoice) => invoice.currency || invoice.lines.length);
  by_id("invoices").replaceChildren(...(paid.length
    ? paid.map((invoice) => invoice_of(invoice, names)) : [empty(word("no_invoices"))]));
}

function left_of(expiry) {
  if (expiry.tokens !== null) return word("tokens", {n: expiry.tokens});
  return expiry.units !== null ? units(expiry.units) : word("no_limit");
}

function show_expiries(answer, names, now) {
  by_id("expiries").replaceChildren(answer.expiries.length === 0 ? empty(word("no_expiries")) : table(
    word("expiries"),
    [[word("ends")], [word("resource")], [word("tier")], [word("left"), "number"]],
    answer.expiries.map((expiry) => [
      [moment(date(expiry.ends_at), expiry.ends_at), element("p", {class: "note"}, in_days("ends", expiry.ends_at, now))],
      expiry.resource ? names(expiry.resource) : word("all_resources"),
      word(`tier_${expiry.tier}`),
      left_of(expiry),
    ])));
}

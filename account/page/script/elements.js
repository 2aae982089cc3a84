// Building the page. Text is only ever set as text: whatever the account says can't become markup.

function by_id(id) {
  return document.getElementById(id);
}

// attributes: as in markup; a value of null, undefined or false is left out. children: nodes or text.
function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function drawn(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

function show(node, visible) {
  node.hidden = !visible;
}

// A moment in words that say how far it is; the moment itself is one hover away.
function moment(text, time) {
  return element("time", {datetime: time, title: date_and_time(time)}, text);
}

function empty(text) {
  return element("p", {class: "empty"}, text);
}

// columns: [text, "number" or nothing]. rows: lists of cells, the first of which heads its row. The roles are
// said because the style shows rows as blocks on a phone, where browsers else forget that it is a table.
function table(caption, columns, rows) {
  const cell = (content, index) => (index === 0
    ? element("th", {role: "rowheader", scope: "row", class: columns[0][1]}, content)
    : element("td", {role: "cell", class: columns[index][1], "data-label": columns[index][0]},
      element("div", {}, content)));
  return element("div", {class: "table"},
    element("table", {role: "table", "aria-label": caption},
      element("thead", {role: "rowgroup"}, element("tr", {role: "row"}, columns.map(([text, kind]) =>
        element("th", {role: "columnheader", scope: "col", class: kind}, text)))),
      element("tbody", {role: "rowgroup"}, rows.map((row) => element("tr", {role: "row"}, row.map(cell))))));
}

// The same, so long that it scrolls in its place, also by keyboard.
function long_table(caption, columns, rows) {
  return fill(table(caption, columns, rows), {class: "table long", role: "region", tabindex: "0",
    "aria-label": caption}, []);
}

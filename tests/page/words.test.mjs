// Do the six languages say the same things, and everything that the page says?

import assert from "node:assert/strict";
import {readFileSync, readdirSync} from "node:fs";
import {test} from "node:test";

const page = new URL("../../account/page/", import.meta.url);
const read = (path) => readFileSync(new URL(path, page), "utf8");
const tables = Object.fromEntries(readdirSync(new URL("languages/", page)).map(
  (name) => [name.replace(".json", ""), JSON.parse(read(`languages/${name}`))]));
const script = readdirSync(new URL("script/", page)).map((name) => read(`script/${name}`)).join("\n");
const forms = (word) => (typeof word === "string" ? [word] : Object.values(word));
const placeholders = (text) => new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1].replace("_possessive", "")));

test("every language has the same words with the same placeholders", () => {
  for (const [language, table] of Object.entries(tables)) {
    assert.deepEqual(Object.keys(table).sort(), Object.keys(tables.en).sort(), language);
    assert.equal(table.language, language);
    for (const [key, word] of Object.entries(table)) {
      const wanted = placeholders(forms(tables.en[key])[0]);
      for (const form of forms(word)) assert.deepEqual(placeholders(form), wanted, `${language} ${key}`);
    }
  }
});

test("a word has the plural forms that its language tells apart", () => {
  for (const [language, table] of Object.entries(tables)) {
    const told_apart = language === "tr" ? ["other"] : ["one", "other"]; // after a number Turkish has no plural
    for (const word of Object.values(table)) {
      if (typeof word === "object") assert.deepEqual(Object.keys(word), told_apart, `${language} ${word.other}`);
    }
  }
});

test("every word that the page asks for is in the tables, and every word there is asked for", () => {
  const in_html = [...read("index.html").matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]);
  const in_script = [...script.matchAll(/word\("([\w-]+)"/g)].map((match) => match[1]);
  for (const key of [...in_html, ...in_script]) assert.ok(key in tables.en, `${key} is missing`);

  const literals = new Set([...script.matchAll(/"([\w-]+)"/g)].map((match) => match[1]));
  const built = [...script.matchAll(/word\(`(\w*)\$\{.+?\}(\w*)`/g)].map(
    (match) => new RegExp(`^${match[1]}[\\w-]+${match[2]}$`));
  for (const key of Object.keys(tables.en)) {
    const asked = in_html.includes(key) || literals.has(key) || built.some((pattern) => pattern.test(key));
    assert.ok(asked || key === "language", `${key} is never asked for`);
  }
});

test("no word can become markup", () => {
  for (const table of Object.values(tables)) {
    for (const word of Object.values(table).flatMap(forms)) assert.doesNotMatch(word, /[<>&"\\]/);
  }
});

// The script as the browser of somebody who reads this language runs it.
function as_read_in(language) {
  const source = read("script/words.js").replace(
    /^const words = .*$/m, `const words = ${JSON.stringify(tables[language])};`);
  return new Function("document", "navigator", `${source}\nreturn {word, percent, possessive};`)(
    {documentElement: {lang: language}}, {languages: [language]});
}

test("the ending of a Turkish number follows how it is read, also of thousands of millions", () => {
  const {possessive} = as_read_in("tr");
  const read_aloud = {
    0: "0'ı", 3: "3'ü", 40: "40'ı", 100: "100'ü", 1000: "1.000'i", 20000: "20.000'i", 1000000: "1.000.000'u",
    1000000000: "1.000.000.000'ı", 50000000000: "50.000.000.000'ı", 1000000000000: "1.000.000.000.000'u",
  };
  for (const [value, text] of Object.entries(read_aloud)) assert.equal(possessive(Number(value)), text);
});

test("in French what is used is singular at 0 and at 1", () => {
  const {word, percent} = as_read_in("fr");
  const used = (value) => word("used", {percent: percent(value)}, value).replace(/\s/g, " ");
  assert.deepEqual([0, 1, 2, 100].map(used), ["0 % utilisé", "1 % utilisé", "2 % utilisés", "100 % utilisés"]);
});

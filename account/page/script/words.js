// Words, numbers, dates and plurals of the page's language. The table of words is a file a language, made
// from languages/; everything that Intl knows is left to Intl, in the reader's own variant of the language.

const language = document.documentElement.lang;
const words = (await import(`/page/words.${language}.js`)).default;
const written_as = {pt: "pt-PT"}; // whose words these are, where nobody says otherwise
const locale =
  navigator.languages.find((name) => name.split("-")[0] === language) ?? written_as[language] ?? language;
const plural_rules = new Intl.PluralRules(locale);
const day_ms = 86_400_000;

// The word of a key, with {names} replaced; of one that has plural forms, the one for count.
function word(key, values = {}, count = values.n) {
  let text = words[key] ?? key;
  if (typeof text === "object") text = text[plural_rules.select(count)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

function shown(value) {
  return typeof value === "number" ? number(value) : String(value ?? "");
}

const number_format = new Intl.NumberFormat(locale);
const percent_format = new Intl.NumberFormat(locale, {style: "percent"});

const short_format = new Intl.NumberFormat(locale, {notation: "compact"});

function number(value) {
  return number_format.format(value);
}

function percent(value) {
  return percent_format.format(value / 100);
}

function units(count) {
  return word("units", {n: count});
}

// Turkish says "140'ı" for "140 of them": the ending follows how the number is read.
function possessive(value) {
  const endings = ["ı", "i", "si", "ü", "ü", "i", "sı", "si", "i", "u"];
  const tens = ["", "u", "si", "u", "ı", "si", "ı", "i", "i", "ı"];
  const powers = ["ü", "i", "u", "ı", "u"]; // yüz, bin, milyon, milyar, trilyon
  let ending = endings[value % 10];
  if (value !== 0 && value % 10 === 0) {
    const zeros = /0*$/.exec(String(value))[0].length;
    if (zeros === 1) ending = tens[Math.trunc(value / 10) % 10];
    else ending = zeros === 2 ? powers[0] : powers[Math.trunc(zeros / 3)] ?? powers[4];
  }
  return `${number(value)}'${ending}`;
}

function in_unit(value, unit, display = "short", digits = 0) {
  return new Intl.NumberFormat(locale, {
    style: "unit", unit, unitDisplay: display, maximumFractionDigits: digits,
  }).format(value);
}

// 754321 -> "12 min 34 s": the two largest parts that aren't zero.
function duration(milliseconds, display = "short") {
  const seconds = Math.floor(milliseconds / 1000);
  const parts = [
    [Math.floor(seconds / 3600), "hour"],
    [Math.floor(seconds / 60) % 60, "minute"],
    [seconds % 60, "second"],
  ].filter(([value]) => value > 0).slice(0, 2);
  if (parts.length === 0) return in_unit(milliseconds / 1000, "second", display, 3);
  return parts.map(([value, unit]) => in_unit(value, unit, display)).join(" ");
}

function amount(value, measure, display) {
  return measure === "duration" ? duration(value, display) : number(value);
}

// Minor units of a currency, as many digits as it has.
function money(minor, currency) {
  const format = new Intl.NumberFormat(locale, {style: "currency", currency});
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

function date(time, options = {dateStyle: "medium"}) {
  try {
    return new Intl.DateTimeFormat(locale, options).format(new Date(time));
  } catch (error) { // a time zone that the account knows and this browser doesn't
    if (!(error instanceof RangeError)) throw error;
    return new Intl.DateTimeFormat(locale, {...options, timeZone: "UTC"}).format(new Date(time));
  }
}

function date_and_time(time) {
  return date(time, {dateStyle: "long", timeStyle: "short"});
}

// "3 minutes ago", in the largest unit that fits.
function ago(time, now) {
  const seconds = (Date.parse(time) - now) / 1000;
  const format = new Intl.RelativeTimeFormat(locale, {numeric: "auto"});
  for (const [unit, size] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(Math.trunc(seconds), "second");
}

// what: "ends" or "refreshes". The days that are begun count: 29 days and an hour are 30.
function in_days(what, time, now) {
  const left = Date.parse(time) - now;
  if (left < day_ms) return word(`${what}_soon`);
  return word(`${what}_in`, {n: Math.ceil(left / day_ms)});
}

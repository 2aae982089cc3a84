// Asking the account: the same JSON that any admin can ask for, with the cookie that signing in has set.
// What goes wrong is a Problem, which knows how to be said in words.

class Problem extends Error {
  constructor(status, detail = "") {
    super(detail || String(status));
    this.status = status;
    this.detail = detail;
  }

  in_words() {
    const keys = {0: "unreachable", 401: "signed_out", 403: "forbidden", 404: "not_found", 429: "too_many"};
    return word(`problem_${keys[this.status] ?? "failed"}`, {status: String(this.status), detail: this.detail});
  }
}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, {cache: "no-store", credentials: "same-origin", ...options});
  } catch {
    throw new Problem(0);
  }
  const text = await response.text().catch(() => "");
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    throw new Problem(response.ok ? 502 : response.status);
  }
  if (!response.ok) throw new Problem(response.status, answer?.detail);
  return answer;
}

function send(path, body = {}) {
  return ask(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
}

function ask_of_team(team, what, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  return ask(`/v1/teams/${encodeURIComponent(team)}/${what}${query ? `?${query}` : ""}`);
}

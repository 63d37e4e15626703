// Requests to the page's own server, and to no other.
let token = null;

export class Refused extends Error {
  constructor(text, status) { super(text); this.status = status; }
}

function options(body, signal) {
  const headers = { "X-Botlib": "page" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body === undefined) return { headers, signal };
  headers["Content-Type"] = "application/json";
  return { method: "POST", headers, body: JSON.stringify(body), signal };
}

async function fetchChecked(path, body, signal) {
  let response;
  try {
    response = await fetch(path, options(body, signal));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The page's program doesn't answer. Start it again in its terminal; nothing that you decided is lost.", 0);
  }
  if (response.ok) return response;
  const answer = await response.json().catch(() => ({ error: response.statusText }));
  if (response.status === 401 && path !== "/api/enter") document.dispatchEvent(new CustomEvent("shut", { detail: answer.error }));
  throw new Refused(answer.error, response.status);
}

export async function ask(path, body, signal) {
  return (await fetchChecked(path, body, signal)).json();
}

export async function picture(path) {
  return URL.createObjectURL(await (await fetchChecked(path)).blob());
}

// Yields one object for each line, as the server writes it
export async function* stream(path, body, signal) {
  const reader = (await fetchChecked(path, body, signal)).body.pipeThrough(new TextDecoderStream()).getReader();
  let incomplete = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (incomplete + value).split("\n");
    incomplete = lines.pop();
    for (const line of lines) if (line) yield JSON.parse(line);
  }
}

export async function enter(key, name) {
  const answer = await ask("/api/enter", { key, name });
  token = answer.token ?? null;
}

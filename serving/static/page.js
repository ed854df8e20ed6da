"use strict";

const byId = (id) => document.getElementById(id);
let stops = null;

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function headers() {
  const token = byId("token").value;
  return { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
}

async function ask(path, body) {
  const answer = await fetch(path, { method: body ? "POST" : "GET", headers: headers(), body: body && JSON.stringify(body) });
  if (answer.ok) return answer;
  const { error } = await answer.json();
  if (answer.status === 401) askForToken();
  throw new Error(`${error.message[0].toUpperCase()}${error.message.slice(1)}. ${error.cure}`);
}

function askForToken() {
  byId("token-row").hidden = false;
  byId("token").focus();
}

function shown(...parts) {
  byId("answer").replaceChildren(...parts);
}

function showLabel(found) {
  const table = element("table");
  const head = table.createTHead().insertRow();
  for (const name of ["Label", "Probability", "Logit"]) {
    const cell = element("th", name);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  Object.entries(found.scores).forEach(([label, score], number) => {
    const row = body.insertRow();
    const name = element("th", label);
    name.scope = "row";
    row.append(name, element("td", `${(100 * score).toFixed(2)} %`, "number"), element("td", found.logits[number].toFixed(4), "number"));
  });
  const bar = element("progress");
  bar.max = 1;
  bar.value = found.score;
  bar.setAttribute("aria-label", `Probability of ${found.label}`);
  const read = `${found.tokens} tokens${found.truncated ? ", the rest was cut off" : ""}`;
  shown(element("p", found.label, "label"), bar, element("p", `${(100 * found.score).toFixed(2)} %, ${read}`), table);
}

async function classify(text) {
  showLabel(await (await ask("/v1/classify", { text })).json());
}

async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const lines = part.split("\n");
      const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");
      if (data) yield [lines.some((line) => line === "event: error"), data];
    }
  }
}

async function write(prompt) {
  const story = element("p", prompt, "story");
  const state = element("p", "Writing…", "hint");
  shown(story, state);
  const answer = await ask("/v1/completions", { prompt, stream: true });
  let why = null;
  for await (const [failed, data] of events(answer)) {
    if (data === "[DONE]") break;
    const found = JSON.parse(data);
    if (failed) throw new Error(`${found.error.message}. ${found.error.cure}`);
    story.textContent += found.choices[0].text;
    why = found.choices[0].finish_reason ?? why;
  }
  state.textContent = why === "stop" ? "It came to its end by itself." : "It was cut at the limit.";
}

async function submitted(event) {
  event.preventDefault();
  const button = byId("ask");
  button.disabled = true;
  try {
    await (stops ? write : classify)(byId("text").value);
  } catch (error) {
    shown(element("p", error.message, "error"));
  } finally {
    button.disabled = false;
  }
}

async function about() {
  try {
    const { bundle } = await (await ask("/v1/model")).json();
    stops = bundle.end_of_text;
    byId("text").required = !stops;
    byId("ask").textContent = stops ? "Write on" : "Ask";
    byId("about").textContent = `${bundle.run_name}: ${bundle.variant} of run ${bundle.run_id.slice(0, 8)}, trained on ${bundle.experiment}`;
  } catch (error) {
    byId("about").textContent = error.message;
  }
}

byId("form").addEventListener("submit", submitted);
byId("token").addEventListener("change", about);
byId("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("form").requestSubmit();
});
about();

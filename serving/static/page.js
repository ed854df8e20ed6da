"use strict";

const byId = (id) => document.getElementById(id);
const OPTIONS = ["seed", "temperature", "top_p", "repetition_penalty"];
let writes = false;
let stopping = null; // of the story that is being written

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

async function ask(path, body, signal) {
  const asked = { method: body ? "POST" : "GET", headers: headers(), body: body && JSON.stringify(body), signal };
  const answer = await fetch(path, asked).catch((error) => {
    throw error.name === "AbortError" ? error : new Error("The server does not answer. Look whether it is still running, and ask again.");
  });
  if (answer.ok) return answer;
  const { error } = await answer.json();
  if (answer.status === 401) askForToken();
  throw new Error(sentence(error));
}

function askForToken() {
  byId("token-row").hidden = false;
  byId("token").focus();
}

function shown(...parts) {
  byId("answer").replaceChildren(...parts);
}

function showNothing() {
  shown(element("p", "Nothing was asked yet.", "hint"));
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

function sentence(error) {
  return `${error.message[0].toUpperCase()}${error.message.slice(1)}. ${error.cure}`;
}

async function write(prompt) {
  const story = element("p", undefined, "story");
  const added = document.createTextNode("");
  const state = element("p", "Writing…", "hint");
  story.append(element("span", prompt, "beginning"), added);
  shown(story, state);
  stopping = new AbortController();
  const options = Object.fromEntries(OPTIONS.map((name) => [name, Number(byId(name).value)]));
  let said = "It was broken off.";
  try {
    const answer = await ask("/v1/completions", { prompt, stream: true, stream_options: { include_usage: true }, ...options }, stopping.signal);
    let why = null;
    for await (const [failed, data] of events(answer)) {
      if (data === "[DONE]") break;
      const found = JSON.parse(data);
      if (failed) throw new Error(sentence(found.error));
      for (const choice of found.choices) {
        added.appendData(choice.text);
        why = choice.finish_reason ?? why;
      }
      if (found.usage) said = `${why === "stop" ? "It came to its end by itself" : "It was cut at the limit"}: ${found.usage.completion_tokens} tokens.`;
    }
    state.textContent = said;
  } catch (error) {
    if (!stopping.signal.aborted) {
      const said = element("p", error.message, "error");
      if (added.data) state.replaceWith(said);
      else shown(said); // what was refused is no beginning of a story
      return;
    }
    state.textContent = "You stopped it.";
  }
}

function busy(is) {
  byId("ask").disabled = is;
  byId("stop").disabled = !is;
  byId("answer").setAttribute("aria-busy", String(is)); // a story is read out when it is whole
}

async function submitted(event) {
  event.preventDefault();
  if (byId("ask").disabled) return;
  busy(true);
  try {
    await (writes ? write : classify)(byId("text").value);
  } catch (error) {
    shown(element("p", error.message, "error"));
  } finally {
    busy(false);
  }
  if (!writes) withoutText(); // it may have been taken away meanwhile; a story may begin with none
}

function withoutText() {
  if (!byId("text").value && !byId("ask").disabled) showNothing(); // what was answered is no answer to that
}

async function forWriting() {
  byId("title").textContent = document.title = "Write with the model";
  byId("text-label").textContent = "Beginning";
  byId("answer-title").textContent = "Story";
  byId("text").required = false;
  byId("ask").textContent = "Write";
  byId("hint").textContent = "The same beginning and seed give the same story.";
  const { components } = await (await ask("/openapi.json")).json();
  const { properties } = components.schemas.CompletionRequest;
  for (const name of OPTIONS) if (!byId(name).value || byId("options").hidden) byId(name).value = properties[name].default;
  byId("options").disabled = byId("options").hidden = byId("stop").hidden = false;
}

async function about() {
  try {
    const { bundle } = await (await ask("/v1/model")).json();
    writes = bundle.labels === null;
    if (writes) await forWriting();
    byId("about").textContent = `${bundle.run_name}: ${bundle.variant} of run ${bundle.run_id.slice(0, 8)}, trained on ${bundle.experiment}`;
  } catch (error) {
    byId("about").textContent = error.message;
  }
}

byId("form").addEventListener("submit", submitted);
byId("text").addEventListener("input", withoutText);
byId("stop").addEventListener("click", () => stopping.abort());
byId("token").addEventListener("change", about);
byId("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("form").requestSubmit();
});
about();

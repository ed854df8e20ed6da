"use strict";
(() => {
  const data = JSON.parse(document.getElementById("attention-data").textContent);
  const root = document.getElementById("attention");
  const find = (what) => root.querySelector(what);
  const { layers, heads, names, words, word_of: wordOf, norms } = data;
  const pieces = names.length;
  const box = find(".map"), canvas = find(".map canvas"), grid = find(".heads");
  const state = { shown: "weights", unit: "pieces", layer: 0, head: 0, row: 0, column: 0 };
  const buttons = [];

  function shares(text) { // a byte is the root of a share
    const raw = atob(text), found = new Float32Array(raw.length);
    for (let at = 0; at < raw.length; at++) { const byte = raw.charCodeAt(at) / 255; found[at] = byte * byte; }
    return found;
  }

  const weights = shares(data.weights), flow = shares(data.rollout);
  const sizes = new Array(words.length).fill(0);
  for (const word of wordOf) sizes[word] += 1;

  function between(layer, head) {
    if (state.shown === "rollout") return flow;
    const whole = pieces * pieces, begin = (layer * heads + head) * whole;
    const found = weights.slice(begin, begin + whole);
    if (state.shown === "weights") return found;
    const norm = norms[layer][head];
    for (let row = 0; row < pieces; row++) {
      let sum = 0;
      for (let column = 0; column < pieces; column++) sum += found[row * pieces + column] *= norm[column];
      for (let column = 0; column < pieces; column++) found[row * pieces + column] /= sum || 1;
    }
    return found;
  }

  function shownOf(layer, head) {
    const found = between(layer, head);
    if (state.unit === "pieces") return found;
    const count = words.length, merged = new Float32Array(count * count);
    for (let row = 0; row < pieces; row++)
      for (let column = 0; column < pieces; column++)
        merged[wordOf[row] * count + wordOf[column]] += found[row * pieces + column] / sizes[wordOf[row]];
    return merged;
  }

  const units = () => (state.unit === "pieces" ? names : words);

  function colours() {
    const probe = getComputedStyle(document.documentElement);
    const rgb = (name) => {
      const hex = probe.getPropertyValue(name).trim().slice(1);
      return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
    };
    const css = (name) => probe.getPropertyValue(name).trim();
    return { low: rgb("--surface"), high: rgb("--blue"), ink: css("--ink"), grid: css("--grid"), mark: css("--vermilion") };
  }

  function shade(share, { low, high }) {
    const part = Math.sqrt(Math.min(1, share));
    return low.map((from, at) => Math.round(from + (high[at] - from) * part));
  }

  function drawSmall(target, values, count, palette) {
    target.width = target.height = count;
    const image = new ImageData(count, count);
    for (let at = 0; at < values.length; at++) {
      const colour = shade(values[at], palette);
      image.data[4 * at] = colour[0]; image.data[4 * at + 1] = colour[1]; image.data[4 * at + 2] = colour[2];
      image.data[4 * at + 3] = 255;
    }
    target.getContext("2d").putImageData(image, 0, 0);
  }

  let place = { side: 20, left: 0, top: 0 };

  function drawLarge() {
    const named = units(), count = named.length, values = shownOf(state.layer, state.head), palette = colours();
    const side = Math.max(13, Math.min(36, Math.floor(620 / count))), size = Math.min(14, side - 1);
    const pen = canvas.getContext("2d"), font = `${size}px ui-monospace, Menlo, Consolas, monospace`;
    pen.font = font;
    const label = named.map((name) => (name.length > 14 ? `${name.slice(0, 13)}…` : name));
    const room = Math.ceil(Math.max(...label.map((name) => pen.measureText(name).width))) + 8;
    const scale = window.devicePixelRatio || 1, whole = room + side * count + 2;
    place = { side, left: room, top: room };
    canvas.width = canvas.height = whole * scale;
    canvas.style.width = canvas.style.height = `${whole}px`;
    pen.scale(scale, scale);
    pen.font = font;
    for (let row = 0; row < count; row++)
      for (let column = 0; column < count; column++) {
        const [red, green, blue] = shade(values[row * count + column], palette);
        pen.fillStyle = `rgb(${red},${green},${blue})`;
        pen.fillRect(room + column * side, room + row * side, side, side);
      }
    pen.strokeStyle = palette.grid;
    pen.strokeRect(room, room, side * count, side * count);
    pen.fillStyle = palette.ink;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    label.forEach((name, at) => pen.fillText(name, room - 4, room + (at + 0.5) * side));
    pen.textAlign = "left";
    label.forEach((name, at) => {
      pen.save();
      pen.translate(room + (at + 0.5) * side, room - 4);
      pen.rotate(-Math.PI / 2);
      pen.fillText(name, 0, 0);
      pen.restore();
    });
    pen.strokeStyle = palette.mark;
    pen.lineWidth = 2;
    pen.strokeRect(room + state.column * side + 1, room + state.row * side + 1, side - 2, side - 2);
    tell(values, named);
  }

  function tell(values, named) {
    const count = named.length, share = values[state.row * count + state.column];
    find("#attention-cell").textContent =
      `from ${named[state.row]} to ${named[state.column]}: ${(100 * share).toFixed(1)} %`;
    const order = [...values.keys()].sort((one, other) => values[other] - values[one]).slice(0, 8);
    find(".links").replaceChildren(...order.map((at) => {
      const line = document.createElement("li");
      line.textContent = `${named[Math.floor(at / count)]} → ${named[at % count]}: ${(100 * values[at]).toFixed(1)} %`;
      return line;
    }));
    find("#attention-title").textContent =
      state.shown === "rollout" ? "Rollout" : `Layer ${state.layer}, head ${state.head}`;
  }

  function drawHeads() {
    const palette = colours(), count = units().length, rolled = state.shown === "rollout";
    find(".chooser").hidden = rolled;
    if (rolled) return;
    buttons.forEach((button, at) => {
      const layer = Math.floor(at / heads), head = at % heads, chosen = layer === state.layer && head === state.head;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      drawSmall(button.firstChild, shownOf(layer, head), count, palette);
    });
  }

  function choose(layer, head, focus) {
    const old = buttons[state.layer * heads + state.head];
    old.setAttribute("aria-checked", "false");
    old.tabIndex = -1;
    state.layer = (layer + layers) % layers;
    state.head = (head + heads) % heads;
    const chosen = buttons[state.layer * heads + state.head];
    chosen.setAttribute("aria-checked", "true");
    chosen.tabIndex = 0;
    if (focus) chosen.focus();
    drawLarge();
  }

  function addHeads() {
    grid.style.gridTemplateColumns = `auto repeat(${heads}, 32px)`;
    const told = (text) => {
      const made = document.createElement("span");
      made.textContent = text;
      made.setAttribute("aria-hidden", "true");
      grid.append(made);
    };
    told("");
    for (let head = 0; head < heads; head++) told(head);
    for (let layer = 0; layer < layers; layer++) {
      told(layer);
      for (let head = 0; head < heads; head++) {
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("role", "radio");
        button.setAttribute("aria-label", `layer ${layer}, head ${head}`);
        button.append(document.createElement("canvas"));
        button.addEventListener("click", () => choose(layer, head, true));
        grid.append(button);
        buttons.push(button);
      }
    }
  }

  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  grid.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    choose(state.layer + step[0], state.head + step[1], true);
  });

  box.addEventListener("keydown", (event) => {
    const step = STEPS[event.key], last = units().length - 1;
    if (!step && event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    if (step) {
      state.row = Math.max(0, Math.min(last, state.row + step[0]));
      state.column = Math.max(0, Math.min(last, state.column + step[1]));
    } else state.column = event.key === "Home" ? 0 : last;
    drawLarge();
  });

  box.addEventListener("pointermove", (event) => {
    const edge = canvas.getBoundingClientRect(), last = units().length - 1;
    const row = Math.floor((event.clientY - edge.top - place.top) / place.side);
    const column = Math.floor((event.clientX - edge.left - place.left) / place.side);
    if (row < 0 || column < 0 || row > last || column > last || (row === state.row && column === state.column)) return;
    Object.assign(state, { row, column });
    drawLarge();
  });

  root.addEventListener("change", (event) => {
    const { name, value } = event.target;
    state[name === "attention-unit" ? "unit" : "shown"] = value;
    state.row = state.column = 0;
    drawLarge();
    drawHeads();
  });

  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawLarge(); drawHeads(); });

  const asked = /^#layer-(\d+)-head-(\d+)$/.exec(location.hash);
  if (asked && asked[1] < layers && asked[2] < heads) { state.layer = Number(asked[1]); state.head = Number(asked[2]); }
  addHeads();
  drawLarge();
  drawHeads();
})();

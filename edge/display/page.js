"use strict";

const REFRESH_MS = 2000;
const UNITS = ["B", "KiB", "MiB", "GiB"];
let frames = -1;
let ill = false;

function show(id, text) {
  document.getElementById(id).textContent = text;
}

function say(text, well) {
  const state = document.getElementById("state");
  state.textContent = text;
  state.className = well ? "well" : "ill";
}

function bytes(number) {
  const step = number > 0 ? Math.min(3, Math.floor(Math.log2(number) / 10)) : 0;
  return `${(number / 1024 ** step).toFixed(step ? 1 : 0)} ${UNITS[step]}`;
}

function tell(health) {
  document.title = `${health.device} · LensHub camera`;
  show("device", health.device);
  show("fps", health.fps.toFixed(1));
  if (health.inference_ms_p50 !== undefined) {
    show("inference", `${health.inference_ms_p50.toFixed(1)} / ${health.inference_ms_p95.toFixed(1)} ms`);
  }
  show("events", health.events);
  show("spool", `${health.spool_records} (${bytes(health.spool_bytes)})`);
  show("dropped", health.dropped);
  show("temperature", health.temperature_c === undefined ? "not known" : `${health.temperature_c.toFixed(0)} °C`);
  const moving = health.frames !== frames;
  say(moving ? "live" : "no new frames", moving);
  frames = health.frames;
}

async function refresh() {
  try {
    const answer = await fetch("health.json", { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(String(answer.status));
    tell(await answer.json());
    if (ill) document.getElementById("picture").src = `stream.mjpeg?${Date.now()}`;
    ill = false;
  } catch {
    ill = true;
    say("the agent does not answer", false);
  }
  setTimeout(refresh, REFRESH_MS);
}

refresh();

"use strict";

const REFRESH_MS = 2000;
const PICTURE_MS = 250;
const STALLED_MS = 7000;
const UNITS = ["B", "KiB", "MiB", "GiB"];
const SAYINGS = {
  first: ["wait", "starting", "Waiting for the first picture."],
  lost: ["ill", "camera lost", "The camera gives no pictures. The agent keeps trying to open it."],
  gone: ["ill", "no answer", "The agent does not answer. This page keeps asking."],
};
const seen = { frames: -1, at: performance.now() };
let stale = false;
let shown = "";

function show(id, text, unit = "") {
  const place = document.getElementById(id);
  place.textContent = text;
  if (unit) place.append(Object.assign(document.createElement("small"), { textContent: ` ${unit}` }));
}

function say([look, state, notice]) {
  document.getElementById("state").className = look;
  show("state", state);
  if (shown) return;
  document.getElementById("view").className = look;
  show("notice", notice);
}

function size(bytes) {
  const step = bytes > 0 ? Math.min(3, Math.floor(Math.log2(bytes) / 10)) : 0;
  return `${(bytes / 1024 ** step).toFixed(step ? 1 : 0)} ${UNITS[step]}`;
}

function judge(health) {
  const now = performance.now();
  if (health.frames !== seen.frames) Object.assign(seen, { frames: health.frames, at: now });
  if (health.frames === 0) return SAYINGS.first;
  if (health.up === false) return shown ? judgeAll(Object.values(health.cameras)) : SAYINGS.lost;
  if (now - seen.at < STALLED_MS) return ["well", "live", ""];
  const since = `for ${Math.round((now - seen.at) / 1000)} s`;
  return ["wait", "stalled", `No new picture ${since}.`];
}

function judgeAll(cameras) {
  const lost = cameras.filter((camera) => !camera.up).length;
  return ["ill", lost === cameras.length ? "cameras lost" : `${lost} of ${cameras.length} cameras lost`, ""];
}

// A browser opens six connections to a server, so several cameras are shown as pictures instead of streams.
function follow(picture, name) {
  const next = () => { picture.src = `frame.jpg?camera=${name}&at=${Date.now()}`; };
  const then = (hidden, pause) => () => { picture.hidden = hidden; setTimeout(next, pause); };
  picture.onload = then(false, PICTURE_MS);
  picture.onerror = then(true, REFRESH_MS);
  next();
}

function figure(name) {
  const place = Object.assign(document.createElement("figure"), { id: `camera ${name}` });
  const link = Object.assign(document.createElement("a"), { href: `stream.mjpeg?camera=${name}` });
  const picture = Object.assign(document.createElement("img"), { alt: `What the camera ${name} sees` });
  const notice = Object.assign(document.createElement("figcaption"), { textContent: "No pictures." });
  link.append(picture, document.createElement("b"));
  place.append(link, notice);
  follow(picture, name);
  return place;
}

function tellCameras(cameras) {
  const names = Object.keys(cameras);
  if (names.length < 2) return;
  if (shown !== names.join()) {
    shown = names.join();
    document.getElementById("cameras").replaceChildren(...names.map(figure));
    document.getElementById("cameras").className = "many";
  }
  for (const name of names) {
    const camera = cameras[name];
    const place = document.getElementById(`camera ${name}`);
    place.className = camera.up ? "well" : "ill";
    place.querySelector("b").textContent = `${name} · ${camera.fps.toFixed(1)} fps`;
  }
}

function tell(health) {
  tellCameras(health.cameras ?? {});
  document.title = `${health.device} · LensHub camera`;
  show("device", health.device);
  show("model", health.model ?? "");
  show("fps", health.fps.toFixed(1));
  if (health.inference_ms_p50 !== undefined) {
    show("inference", `${health.inference_ms_p50.toFixed(1)} ms`, `p95 ${health.inference_ms_p95.toFixed(1)}`);
  }
  show("events", health.events.toLocaleString());
  show("spool", health.spool_records.toLocaleString(), health.spool_records ? size(health.spool_bytes) : "");
  const unreadable = health.unreadable ? `${health.unreadable.toLocaleString()} unreadable` : "";
  show("dropped", health.dropped.toLocaleString(), unreadable);
  show("temperature", health.temperature_c === undefined ? "not known" : `${health.temperature_c.toFixed(0)} °C`);
  say(judge(health));
}

function reload() {
  if (!shown) document.getElementById("picture").src = `stream.mjpeg?${Date.now()}`;
  stale = false;
}

async function refresh() {
  try {
    const answer = await fetch("health.json", { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(String(answer.status));
    tell(await answer.json());
    if (stale) reload();
  } catch {
    stale = true;
    say(SAYINGS.gone);
  }
  setTimeout(refresh, REFRESH_MS);
}

document.getElementById("picture").addEventListener("error", () => { stale = true; });
refresh();

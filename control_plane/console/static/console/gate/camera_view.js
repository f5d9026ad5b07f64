/* The camera on the page: its picture, its light, which one it is. */

import { h } from "../rules/dom.js";
import { Camera } from "./camera.js";
import * as sheets from "./sheets.js";
import { keep } from "./store.js";

const at = (id) => document.getElementById(id);
let camera = null;

/** The page's only one. onTexts(texts, when) for each picture. */
export const newCamera = (onTexts) => {
  camera = new Camera(at("video"), { onTexts, onChange: cameraChanged });
  return camera;
};

export const cameraChanged = async (sentence = null) => {
  const on = camera.isOn;
  at("view").dataset.camera = on ? "on" : camera.isWanted ? "starting" : "off";
  at("view-off").hidden = on;
  at("camera-trouble").hidden = !sentence;
  at("camera-trouble").textContent = sentence || "";
  at("camera-on").hidden = Boolean(Camera.obstacle());
  at("menu-camera").checked = on;
  at("torch").hidden = !camera.hasTorch;
  at("torch").setAttribute("aria-pressed", String(camera.torch));
  const cameras = on ? await camera.list() : [];
  at("next-camera").hidden = cameras.length < 2;
  at("menu-cameras").hidden = cameras.length < 2;
  at("menu-camera-choice").replaceChildren(...cameras.map((one) => h("option", { value: one.id }, one.label)));
  at("menu-camera-choice").value = camera.chosen;
  if (Camera.obstacle()) {
    at("camera-trouble").hidden = false;
    at("camera-trouble").textContent = Camera.obstacle();
  }
};

const turnCamera = (on) => {
  keep("camera", on).catch(() => {});
  if (on) camera.start();
  else camera.stop();
};

const useCamera = async (id) => {
  keep("cameraId", id).catch(() => {});
  await camera.choose(id);
};

at("camera-on").addEventListener("click", () => turnCamera(true));
at("torch").addEventListener("click", async () => {
  try {
    await camera.light(!camera.torch);
  } catch {
    sheets.say("The light does not answer.", true);
  }
  at("torch").setAttribute("aria-pressed", String(camera.torch));
});
at("next-camera").addEventListener("click", async () => {
  const cameras = await camera.list();
  const index = cameras.findIndex((one) => one.id === camera.chosen);
  useCamera(cameras[(index + 1) % cameras.length].id);
});
at("menu-camera").addEventListener("change", (event) => turnCamera(event.target.checked));
at("menu-camera-choice").addEventListener("change", (event) => useCamera(event.target.value));

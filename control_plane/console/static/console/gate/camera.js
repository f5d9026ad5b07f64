/* The camera: on while the page is seen, off when it is hidden, with its light and a choice of lens. */

import { newDetector } from "./detector.js";

const PAUSE = 60; // ms between two looks: as many as a hand needs, and the battery lasts

export class CameraTrouble extends Error {}

export class Camera {
  #video;
  #onTexts;
  #onChange;
  #stream = null;
  #detect = null;
  #wanted = false;
  #turn = 0;
  #lock = null;
  deviceId = "";
  torch = false;

  /** onTexts(texts, ms when the picture was taken) for each picture, onChange(trouble or null) when it goes on or off. */
  constructor(video, { onTexts, onChange }) {
    this.#video = video;
    this.#onTexts = onTexts;
    this.#onChange = onChange;
    document.addEventListener("visibilitychange", () => {
      if (!this.#wanted) return;
      if (document.hidden) this.#close();
      else this.start();
    });
  }

  get isOn() { return Boolean(this.#stream); }
  get isWanted() { return this.#wanted; }
  get hasTorch() { return Boolean(this.#track?.getCapabilities?.().torch); }
  get #track() { return this.#stream?.getVideoTracks()[0]; }

  /** What stands in the way before anybody is asked, or "". */
  static obstacle() {
    if (navigator.mediaDevices?.getUserMedia) return "";
    return window.isSecureContext
      ? "This browser cannot use the camera."
      : "The camera needs a safe address. Open this page with https:// and try again.";
  }

  async start() {
    this.#wanted = true;
    const turn = (this.#turn += 1);
    try {
      const obstacle = Camera.obstacle();
      if (obstacle) throw new CameraTrouble(obstacle);
      const [stream] = await Promise.all([this.#open(), this.#load()]);
      if (turn !== this.#turn || document.hidden) return void stream.getTracks().forEach((track) => track.stop());
      this.#drop();
      this.#stream = stream;
      this.#track.addEventListener("ended", () => { if (this.#stream === stream) this.#fail(new CameraTrouble("The camera was taken by another app. Switch it on again.")); });
      this.#video.srcObject = stream;
      await this.#video.play();
      this.#stayAwake();
      this.#onChange(null);
      this.#look(turn);
    } catch (error) {
      if (turn === this.#turn) this.#fail(error);
    }
  }

  stop() {
    this.#wanted = false;
    this.#close();
  }

  async choose(deviceId) {
    this.deviceId = deviceId;
    if (this.#wanted) await this.start();
  }

  /** [{id, label}], once a camera was allowed. */
  async list() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((one) => one.kind === "videoinput" && one.deviceId)
      .map((one, index) => ({ id: one.deviceId, label: one.label || `Camera ${index + 1}` }));
  }

  get chosen() { return this.#track?.getSettings().deviceId || ""; }

  async light(on) {
    await this.#track.applyConstraints({ advanced: [{ torch: on }] });
    this.torch = on;
  }

  async #open() {
    const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
    const which = this.deviceId ? { deviceId: { exact: this.deviceId } } : { facingMode: { ideal: "environment" } };
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...size, ...which } });
    } catch (error) {
      if (this.deviceId && ["OverconstrainedError", "NotFoundError"].includes(error.name)) {
        this.deviceId = "";
        return this.#open();
      }
      throw error;
    }
  }

  async #load() {
    this.#detect ??= await newDetector();
  }

  async #look(turn) {
    while (turn === this.#turn && this.#stream) {
      if (this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && this.#video.videoWidth) {
        const taken = performance.now();
        let texts = [];
        try {
          texts = await this.#detect(this.#video);
        } catch {
          // A frame that came while the camera changed.
        }
        if (turn === this.#turn) this.#onTexts(texts, taken);
      }
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  }

  #fail(error) {
    this.#wanted = false;
    this.#close();
    const sentences = {
      NotAllowedError: "The camera is not allowed here. Allow it in the browser's settings for this page, then switch it on again.",
      NotFoundError: "This device has no camera.",
      NotReadableError: "Another app is using the camera. Close it, then switch the camera on again.",
    };
    this.#onChange(error instanceof CameraTrouble ? error.message : sentences[error.name] || `The camera does not start (${error.message || error.name}).`);
  }

  #close() {
    this.#turn += 1;
    this.#drop();
    this.#lock?.release().catch(() => {});
    this.#lock = null;
    this.#onChange(null);
  }

  #drop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.torch = false;
  }

  async #stayAwake() {
    try {
      this.#lock = await navigator.wakeLock?.request("screen");
    } catch {
      // Low battery, or not granted: the phone may then go dark as always.
    }
  }
}

/* Tones and vibration that tell yes from no without a look. Browsers are silent until the first touch. */

let context = null;
let on = true;

export const isOn = () => on;
export const turn = (to) => { on = to; };
export const isSilent = () => on && (!context || context.state !== "running");

export const wake = () => {
  try {
    context ??= new AudioContext();
    return context.state === "running" ? Promise.resolve() : context.resume();
  } catch {
    return Promise.resolve();
  }
};

const tone = (frequency, start, length, shape, volume) => {
  const from = context.currentTime + start;
  const source = new OscillatorNode(context, { type: shape, frequency });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, from);
  gain.gain.linearRampToValueAtTime(volume, from + 0.01);
  gain.gain.setValueAtTime(volume, from + length - 0.03);
  gain.gain.linearRampToValueAtTime(0, from + length);
  source.connect(gain).connect(context.destination);
  source.start(from);
  source.stop(from + length);
};

const play = (tones) => {
  if (!on || !context || context.state !== "running") return;
  for (const one of tones) tone(...one);
};

/** Short and rising. */
export const ok = () => {
  play([[880, 0, 0.09, "sine", 0.5], [1318, 0.09, 0.16, "sine", 0.5]]);
  navigator.vibrate?.(60);
};

/** Twice, long and low. */
export const refused = () => {
  play([[196, 0, 0.22, "square", 0.35], [147, 0.28, 0.4, "square", 0.35]]);
  navigator.vibrate?.([220, 90, 220, 90, 400]);
};

/** One in the middle: nothing was decided. */
export const unsure = () => {
  play([[440, 0, 0.12, "triangle", 0.5], [440, 0.2, 0.12, "triangle", 0.5]]);
  navigator.vibrate?.([90, 60, 90]);
};

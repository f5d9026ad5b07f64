/* QR codes in a picture: by the browser where it can, else by the worker. */

const LONGEST = 960; // pixels; a pass fills a third of the picture, and more of them only take longer

/** A function from a video element to the texts in it. Raises Error where nothing here can read codes. */
export const newDetector = async () => {
  if ("BarcodeDetector" in window) {
    try {
      if ((await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
        const native = new BarcodeDetector({ formats: ["qr_code"] });
        return async (video) => (await native.detect(video)).map((code) => code.rawValue);
      }
    } catch {
      // Named, and not there: some Chromium builds. The worker can.
    }
  }
  return byWorker();
};

const byWorker = () => new Promise((resolve, reject) => {
  const worker = new Worker("/gate/decoder.js");
  const canvas = document.createElement("canvas");
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  let answer = null;
  const detect = (video) => new Promise((done) => {
    const scale = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight));
    const width = Math.round(video.videoWidth * scale);
    const height = Math.round(video.videoHeight * scale);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    drawing.drawImage(video, 0, 0, width, height);
    const pixels = drawing.getImageData(0, 0, width, height).data.buffer;
    answer = done;
    worker.postMessage({ pixels, width, height }, [pixels]);
  });
  worker.onmessage = ({ data }) => {
    if (data.ready) resolve(detect);
    else if (data.failed) reject(new Error(data.failed));
    else answer?.(data.texts);
  };
  worker.onerror = (event) => reject(new Error(event.message || "The reader of codes cannot be loaded."));
});

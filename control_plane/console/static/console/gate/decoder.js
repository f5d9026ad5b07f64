/* Reads QR codes in a worker, where the browser cannot by itself: zxing in WebAssembly. One frame at a time. */
"use strict";

const FILES = "/static/vendor/barcode-detector/";
importScripts(`${FILES}ponyfill.js`);
const { BarcodeDetector, prepareZXingModule } = self.BarcodeDetectionAPI;
const ready = prepareZXingModule({ overrides: { locateFile: (name) => FILES + name }, fireImmediately: true });
const detector = new BarcodeDetector({ formats: ["qr_code"] });

ready.then(() => postMessage({ ready: true }), (error) => postMessage({ failed: String(error) }));

onmessage = async ({ data }) => {
  try {
    const found = await detector.detect(new ImageData(new Uint8ClampedArray(data.pixels), data.width, data.height));
    postMessage({ texts: found.map((code) => code.rawValue) });
  } catch (error) {
    postMessage({ texts: [], error: String(error) });
  }
};

/** Finding codes in pictures. */

import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";

// A screen is read in full; of a camera, half of the full picture is as good and much quicker.
const LONGEST_SIDE = { camera: 1280, screen: 3840 } as const;

export interface Reader {
  /** The texts of all QR codes in the picture that the video shows now. */
  read(video: HTMLVideoElement): Promise<string[]>;
}

// Left alone, the library would fetch its WebAssembly from elsewhere. It loads once for the same object.
const OVERRIDES = { locateFile: () => document.body.dataset["wasm"] ?? "" };

/** Loads the reader ahead of its use. */
export async function warmReader(): Promise<void> {
  await prepareZXingModule({ overrides: OVERRIDES, fireImmediately: true });
}

export async function openReader(source: keyof typeof LONGEST_SIDE): Promise<Reader> {
  await warmReader();
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  if (context === null) throw new Error("The browser gives no canvas.");
  return {
    async read(video) {
      const { videoWidth: width, videoHeight: height } = video;
      if (width === 0 || height === 0) return [];
      const scale = Math.min(1, LONGEST_SIDE[source] / Math.max(width, height));
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      context.drawImage(video, 0, 0, canvas.width, canvas.height);
      const picture = context.getImageData(0, 0, canvas.width, canvas.height);
      const found = await readBarcodes(picture, { formats: ["QRCode"], tryHarder: true, textMode: "Plain" });
      return found.filter((code) => code.isValid).map((code) => code.text);
    },
  };
}

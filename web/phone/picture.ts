/** Where pictures come from: the camera, or (in the sandbox) the screen of this computer. */

export type PictureTrouble = "refused" | "none" | "busy" | "unable";

export type Source = "camera" | "screen";

export class NoPicture extends Error {
  readonly trouble: PictureTrouble;
  readonly source: Source;

  constructor(trouble: PictureTrouble, source: Source, cause?: unknown) {
    super(`no picture from the ${source}: ${trouble}`, { cause });
    this.trouble = trouble;
    this.source = source;
  }
}

/** Asks for the pictures of a source; throws `NoPicture`. */
export async function openPictures(source: Source): Promise<MediaStream> {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) throw new NoPicture("unable", source);
  try {
    return source === "camera" ? await openCamera(devices) : await openScreen(devices);
  } catch (cause) {
    throw cause instanceof NoPicture ? cause : new NoPicture(trouble(cause), source, cause);
  }
}

function openCamera(devices: MediaDevices): Promise<MediaStream> {
  const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
  return devices.getUserMedia({ audio: false, video: { facingMode: { ideal: "environment" }, ...size } });
}

function openScreen(devices: MediaDevices): Promise<MediaStream> {
  if (!("getDisplayMedia" in devices)) throw new NoPicture("unable", "screen");
  // Small codes must stay sharp, so no width is asked for; a few pictures a second are enough.
  return devices.getDisplayMedia({ audio: false, video: { frameRate: { max: 10 } } });
}

function trouble(cause: unknown): PictureTrouble {
  switch (cause instanceof Error ? cause.name : "") {
    case "NotAllowedError":
    case "SecurityError":
    case "InvalidStateError":
      return "refused";
    case "NotFoundError":
    case "OverconstrainedError":
    case "DevicesNotFoundError":
      return "none";
    case "TypeError":
    case "NotSupportedError":
      return "unable";
    default:
      return "busy";
  }
}

export function stopPictures(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

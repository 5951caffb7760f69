/** Sheets of samples as files: loaded whole before they are shown, the last ones kept at hand. */

export interface Sheet {
  url: string;
  width: number;
  height: number;
}

const MOST = 24;
const loaded = new Map<string, Promise<Sheet>>();

export function sheet(url: string): Promise<Sheet> {
  const found = loaded.get(url);
  if (found) return found;
  const image = new Image();
  const coming = new Promise<Sheet>((done, failed) => {
    image.onload = () => done({ url, width: image.naturalWidth, height: image.naturalHeight });
    image.onerror = () => {
      loaded.delete(url);
      failed(new Error("This sheet could not be loaded."));
    };
  });
  image.src = url;
  loaded.set(url, coming);
  for (const oldest of loaded.keys()) {
    if (loaded.size <= MOST) break;
    loaded.delete(oldest);
  }
  return coming;
}

export const sheetUrl = (run: string, images: number): string =>
  `/runs/${encodeURIComponent(run)}/sheets/${images}.png`;

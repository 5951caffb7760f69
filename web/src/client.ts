/** Asking the server: JSON there and back, and what it refuses as an error whose message can be shown. */
import type { Failure } from "./api.ts";

export class Refusal extends Error {
  readonly code: string;
  readonly status: number;
  constructor(message: string, code: string, status: number) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export const CLOSED = "The studio does not answer. Start it again with `ganvas studio`.";

const SHORT = 10_000; // characters of a body that outlives the page, of which browsers allow 64 kB

const later = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** What a request answers. While the server is busy (503) it is asked again when it said, up to `tries` times. */
export async function ask<T>(
  method: string,
  path: string,
  body?: unknown,
  { headers = {}, tries = 8, signal }: { headers?: Record<string, string>; tries?: number; signal?: AbortSignal } = {},
): Promise<{ value: T; etag: string }> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
    body: text,
    signal,
    keepalive: method === "DELETE" || (method === "PUT" && (text ?? "").length < SHORT), // arrives although the page is left
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new Refusal(CLOSED, "closed", 0);
  });
  if (answer.status === 503 && tries > 1) {
    await later(1000 * Number(answer.headers.get("Retry-After") ?? 1));
    return ask(method, path, body, { headers, tries: tries - 1, signal });
  }
  if (!answer.ok) throw await refusal(answer);
  const value = (answer.status === 204 ? undefined : await answer.json()) as T;
  return { value, etag: answer.headers.get("ETag") ?? "" };
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
  (await ask<T>("GET", path, undefined, { signal })).value;
export const post = async <T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> =>
  (await ask<T>("POST", path, body, { signal })).value;
export const remove = async (path: string): Promise<void> => {
  await ask("DELETE", path);
};

/** Sends a file as it is, and says how much of it has gone. */
export function upload(path: string, file: Blob, gone: (bytes: number) => void): Promise<void> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    request.upload.onprogress = (event) => gone(event.loaded);
    request.onload = () => (request.status < 300 ? done() : failed(failure(request.responseText, request.status)));
    request.onerror = () => failed(new Refusal(CLOSED, "closed", 0));
    request.send(file);
  });
}

const refusal = async (answer: Response): Promise<Refusal> => failure(await answer.text(), answer.status);

function failure(text: string, status: number): Refusal {
  try {
    const { error } = JSON.parse(text) as Failure;
    return new Refusal(error.message, error.code, status);
  } catch {
    return new Refusal(`The studio answered with status ${status}.`, "unknown", status);
  }
}

export const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Jobs: started, followed by their events, and what they made saved. */
import type { Ask, Job } from "./api.ts";
import { get, post, remove } from "./client.ts";
import { studio } from "./studio.svelte.ts";

export async function begin(ask: Ask): Promise<string> {
  const job = await post<Job>("/api/jobs", ask);
  studio.putJob(job);
  return job.id;
}

export const cancel = (job: Job): Promise<void> => remove(`/api/jobs/${job.id}`);

export const under = (job: Job | undefined): boolean => job?.state === "queued" || job?.state === "running";

export const share = (job: Job): number => (job.total ? Math.min(1, job.done / job.total) : 0);

/** Downloads a file as the browser does. */
export function save(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

/** What a job wrote under this name, if it did. */
export async function result<T>(job: Job, name: string): Promise<T | null> {
  const file = job.files.find((one) => one.name === name);
  return file ? get<T>(file.url) : null;
}

export const fileUrl = (job: Job, name: string): string | undefined => job.files.find((one) => one.name === name)?.url;

/** Judges a bundle file piece by piece, so that the page stays alive and a large file does not fill the memory. */
import { BundleJudge, type BundleOptions, type BundleReport, type JudgedEntry } from '@infrafabric/verify';

/** Entries that are kept to be shown; the report is about all of them. */
export const SHOWN_ENTRIES = 5_000;
/** The page may paint this often. */
const BREATH_MS = 50;

/** What was found, and the first entries. */
export interface JudgedFile {
  readonly report: BundleReport;
  readonly entries: readonly JudgedEntry[];
  readonly tookMs: number;
}

/** Reads and judges. @throws what reading the file throws. */
export async function judgeFile(
  file: Blob,
  options: Omit<BundleOptions, 'onEntry'>,
  onProgress: (octets: number) => void,
): Promise<JudgedFile> {
  const start = performance.now();
  const entries: JudgedEntry[] = [];
  const judge = new BundleJudge({
    ...options,
    onEntry: (entry) => {
      if (entries.length < SHOWN_ENTRIES) entries.push(entry);
    },
  });
  const reader = file.stream().getReader();
  let octets = 0;
  let breathed = start;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    judge.add(read.value);
    octets += read.value.length;
    if (performance.now() - breathed > BREATH_MS) {
      onProgress(octets);
      await new Promise((resolve) => setTimeout(resolve));
      breathed = performance.now();
    }
  }
  return { report: judge.conclude(), entries, tookMs: performance.now() - start };
}

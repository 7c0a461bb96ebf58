/** The page: takes a bundle, a key, anchors and a policy, and says what it found. Loads nothing, sends nothing, keeps nothing. */
import type { AskedPolicy } from '@infrafabric/verify';
import { readKey, tellFile } from './dropped-files.js';
import { byId, element } from './elements.js';
import { judgeFile } from './judge-file.js';
import { renderEntries } from './render-entries.js';
import { renderReport } from './render-report.js';

const keyField = byId<HTMLTextAreaElement>('key');
const keyHint = byId('key-hint');
const drop = byId('drop');
const chosen = byId('chosen');
const picker = byId<HTMLInputElement>('files');
const result = byId('result');

let bundle: File | undefined;
const anchors = new Map<string, Uint8Array>();
let policy: AskedPolicy | undefined;
/** Counts judgements: a slow one must not overwrite what was asked later. */
let asked = 0;

async function take(files: Iterable<File>): Promise<void> {
  for (const file of files) {
    const told = await tellFile(file);
    if (told.kind === 'key') keyField.value = told.text;
    else if (told.kind === 'anchor') anchors.set(told.name, told.note);
    else if (told.kind === 'policy') policy = { policy: told.policy, from: told.name };
    else bundle = told.file;
  }
  await judge();
}

async function judge(): Promise<void> {
  const turn = ++asked;
  const text = keyField.value.trim();
  const { key, fault } = text === '' ? {} : readKey(text);
  keyHint.textContent = fault === undefined ? '' : `Not a verifier key: ${fault}`;
  keyField.setAttribute('aria-invalid', String(fault !== undefined));
  const names = [
    ...(bundle === undefined ? [] : [bundle.name]),
    ...[...anchors.keys()].map((name) => `anchor ${name}`),
    ...(policy === undefined ? [] : [`policy ${policy.from}`]),
  ];
  chosen.replaceChildren(...names.map((name) => element('li', '', name)));
  if (bundle === undefined) return result.replaceChildren();
  if (fault !== undefined) return result.replaceChildren();
  const { name, size } = bundle;
  const progress = element('p', 'progress', 'Checking…');
  result.replaceChildren(progress);
  try {
    const options = {
      ...(key === undefined ? {} : { key }),
      ...(policy === undefined ? {} : { policy }),
      anchors: [...anchors].map(([anchor, note]) => ({ name: anchor, note })),
    };
    const judged = await judgeFile(bundle, options, (octets) => {
      if (turn === asked) progress.textContent = `Checking… ${Math.floor((100 * octets) / size)} %`;
    });
    if (turn !== asked) return;
    result.replaceChildren(
      renderReport(judged.report, name, judged.tookMs),
      renderEntries(judged.entries, judged.report),
    );
  } catch (error) {
    if (turn === asked) result.replaceChildren(element('p', 'failed', `The file cannot be read: ${String(error)}`));
  }
}

for (const type of ['dragenter', 'dragover']) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
}
document.addEventListener('dragleave', (event) => {
  if (event.relatedTarget === null) drop.classList.remove('over');
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  void take(event.dataTransfer?.files ?? []);
});
picker.addEventListener('change', () => void take(picker.files ?? []));
keyField.addEventListener('input', () => void judge());

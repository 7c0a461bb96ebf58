/** Which of the keys that the witness home holds for a ledger signed a note: after a rotation there are several. */
import { localKeys } from '@infrafabric/ledger/home';
import { openNote } from '@infrafabric/verify/proof';
import { type ChosenKey, keyOfFlag } from './choose-key.js';

/** The held key that signed the note, else the first that is held; undefined when there is none. */
export function localKeyOfNote(home: string, origin: string, note: Uint8Array): ChosenKey | undefined {
  const held = localKeys(home, origin).map(({ vkeyFile }): ChosenKey => ({ ...keyOfFlag(vkeyFile), source: 'local' }));
  return held.find(({ key }) => openNote(note, key).ok) ?? held[0];
}

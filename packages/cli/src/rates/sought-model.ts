/** A model as somebody at a terminal names it, as the cards look it up. */
import { modelName, providerName, providerOfModel } from '@infrafabric/accounting';
import type { SoughtModel } from '@infrafabric/accounting/rate-cards';

/** What spans of this model would say; without a provider it is told from the name, as it is for spans. */
export function soughtModel(model: string, provider: string | undefined): SoughtModel {
  const stated = provider === undefined ? undefined : providerName(provider);
  const name = stated ?? providerOfModel(model);
  return { model: modelName(model, name), provider: name, isGuess: stated === undefined && name !== undefined };
}

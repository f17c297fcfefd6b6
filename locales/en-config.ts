/** What is wrong with config.json: the whole screen then, and fetched only then. */
export const enConfig = {
  unreachable:
    'The app could not read its settings (config.json). Your coins are safe. Reload the page, or ask whoever runs this address to put the file beside it.',
  'not-json':
    'The app’s settings (config.json) are damaged. Your coins are safe; ask whoever runs this address to repair the file.',
  version:
    'The app’s settings (config.json) are of another version than this app. Your coins are safe; ask whoever runs this address to renew them.',
  mainnet: 'The app’s settings (config.json) name the main network. This version of Tandem is for test networks only.',
  'no-network':
    'The app’s settings (config.json) name no network, so no wallet can be read. Ask whoever runs this address to add one.',
  genesis:
    'The app’s settings (config.json) name a wrong first block for a network. Nothing is read from it; ask whoever runs this address to correct it.',
  unknown:
    'The app’s settings (config.json) have a mistake: {detail}. Your coins are safe; ask whoever runs this address to correct it.',
} as const
